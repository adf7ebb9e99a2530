#include "net/reactor.h"

#include "base/assert.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace balcony {
namespace {

void make_empty(ListLink& head) {
  head.previous = &head;
  head.next = &head;
}

bool is_empty(const ListLink& head) {
  return head.next == &head;
}

// Moves all members of `from` to `to`, which is empty.
void splice(ListLink& from, ListLink& to) {
  make_empty(to);
  if (is_empty(from)) return;
  to = from;
  to.next->previous = &to;
  to.previous->next = &to;
  make_empty(from);
}

}  // namespace

void ListLink::unlink() noexcept {
  if (!is_linked()) return;
  previous->next = next;
  next->previous = previous;
  previous = nullptr;
  next = nullptr;
}

void ListLink::insert_before(ListLink& place) noexcept {
  previous = place.previous;
  next = &place;
  previous->next = this;
  place.previous = this;
}

Watcher::~Watcher() {
  if (reactor_ != nullptr) reactor_->forget(*this);
  registered_.unlink();
  turn_.unlink();
}

Reactor::Reactor()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  BALCONY_ASSERT(epoll_.is_open() && wake_.is_open(), "no descriptors for an event loop");
  make_empty(registered_);
  make_empty(turn_ends_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &wake_;
  const int added = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  BALCONY_ASSERT(added == 0, "an event loop cannot watch its own eventfd");
}

Reactor::~Reactor() {
  // Watchers that outlive their loop, as members of objects that are torn down later.
  while (!is_empty(registered_)) {
    auto& link = static_cast<Watcher::Link&>(*registered_.next);
    link.watcher->reactor_ = nullptr;
    link.unlink();
  }
  while (!is_empty(turn_ends_)) turn_ends_.next->unlink();
}

bool Reactor::add(Watcher& watcher, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
  watcher.reactor_ = this;
  if (!watcher.registered_.is_linked()) watcher.registered_.insert_before(registered_);
  return true;
}

void Reactor::remove(Watcher& watcher, int fd) noexcept {
  if (watcher.reactor_ == nullptr) return;
  epoll_event ignored{};
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
  forget(watcher);
  watcher.reactor_ = nullptr;
  watcher.registered_.unlink();
}

void Reactor::forget(const Watcher& watcher) noexcept {
  for (int i = event_at_; i < event_count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watcher) event.data.ptr = nullptr;
  }
}

void Reactor::at_end_of_turn(Watcher& watcher) noexcept {
  if (!watcher.turn_.is_linked()) watcher.turn_.insert_before(turn_ends_);
}

bool Reactor::has_turn_ends() const noexcept {
  return !is_empty(turn_ends_);
}

void Reactor::run_turn_ends() {
  ListLink now;
  splice(turn_ends_, now);
  while (!is_empty(now)) {
    auto& link = static_cast<Watcher::Link&>(*now.next);
    link.unlink();
    link.watcher->on_turn_end();
  }
}

void Reactor::wait(int timeout_ms) {
  event_at_ = 0;
  event_count_ =
      epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  if (event_count_ < 0) {
    BALCONY_ASSERT(errno == EINTR, "epoll_wait fails");
    event_count_ = 0;
  }
  // Most watchers are connections: what an event needs of one is in its first lines.
  for (int i = 0; i < event_count_; ++i) {
    const auto* const at = static_cast<const char*>(events_[static_cast<std::size_t>(i)].data.ptr);
    for (int line = 0; line < 4; ++line) __builtin_prefetch(at + 64 * line);
  }
  while (event_at_ < event_count_) {
    const epoll_event event = events_[static_cast<std::size_t>(event_at_++)];
    if (event.data.ptr == &wake_) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
    } else if (event.data.ptr != nullptr) {
      static_cast<Watcher*>(event.data.ptr)->on_events(event.events);
    }
  }
  event_count_ = 0;
}

void Reactor::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
}

void Reactor::shut_down() {
  ListLink all;
  splice(registered_, all);
  while (!is_empty(all)) {
    auto& link = static_cast<Watcher::Link&>(*all.next);
    link.unlink();
    link.insert_before(registered_);
    link.watcher->on_shutdown();
  }
}

}  // namespace balcony
