// The life of a connection: making, moving, deadlines, failing, ending. Bytes are in
// connection_io.cc, TLS is in connection_tls.cc.
#include "net/connection.h"

#include "net/connection_waits.h"
#include "net/reactor.h"
#include "net/shard.h"

#include "base/assert.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace balcony {
namespace {

void prepare_socket(int fd) {
  const int flags = ::fcntl(fd, F_GETFL, 0);
  if ((flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  // Output is gathered for a whole turn; Nagle's delay on top of that only costs time. Fails for
  // what is not TCP, which does no harm.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// After that time, and then each quarter of it: who is silent four times is not there.
void keep_alive(int fd, std::chrono::seconds after) {
  if (after.count() <= 0) return;
  const int on = 1;
  const int idle = static_cast<int>(after.count());
  const int interval = std::max(idle / 4, 1);
  const int probes = 4;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace

ConnectionPtr Connection::open(Shard& shard, FileDescriptor fd, SocketAddress peer,
                               ConnectionOptions options) {
  prepare_socket(fd.get());
  keep_alive(fd.get(), options.keep_alive);
  Detached fresh;
  fresh.fd = std::move(fd);
  fresh.peer = peer;
  fresh.options = options;
  fresh.read_tokens_at = Instant::min();
  return adopt(shard, std::move(fresh));
}

ConnectionPtr Connection::adopt(Shard& shard, Detached detached) {
  return ConnectionPtr(new Connection(shard, std::move(detached)));
}

Connection::Connection(Shard& shard, Detached detached)
    : shard_(shard),
      fd_(std::move(detached.fd)),
      truncated_(detached.truncated),
      failure_(std::move(detached.failure)),
      ssl_(std::move(detached.ssl)),
      output_(std::move(detached.unsent)),
      output_sent_(detached.unsent_offset),
      read_tokens_(detached.read_tokens),
      read_tokens_at_(detached.read_tokens_at),
      peer_(detached.peer),
      slot_(std::move(detached.slot)) {
  BALCONY_ASSERT(shard.is_current(), "a connection is made on another thread");
  // `readable_` and `writable_` start as true: bytes may lie in the socket or in OpenSSL already,
  // and only trying tells.
  set_options(detached.options);
  if (fd_.is_open() &&
      !shard.reactor().add(*this, fd_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
    fail_with(Error(Errc::kOverloaded, "the system watches no more sockets"));
  }
  if (detached.deadline) set_deadline(*detached.deadline);
  if (unsent_bytes() > 0) shard.reactor().at_end_of_turn(*this);
}

Connection::~Connection() {
  BALCONY_ASSERT(!reader_ && !drainer_, "a connection is destroyed while somebody waits for it");
  cancel_timers();
  forget_output();
  ssl_.reset();
  if (fd_.is_open()) shard_.reactor().remove(*this, fd_.get());
}

Detached Connection::release() {
  BALCONY_ASSERT(!reader_ && !drainer_ && !handshaking_, "a connection moves while it is in use");
  Detached detached;
  if (deadline_timer_ != 0 || expired_) detached.deadline = deadline_;
  cancel_timers();
  if (fd_.is_open()) shard_.reactor().remove(*this, fd_.get());
  detached.fd = std::move(fd_);
  detached.ssl = std::move(ssl_);
  detached.unsent = std::exchange(output_, {});
  detached.unsent_offset = std::exchange(output_sent_, 0);
  detached.peer = peer_;
  detached.options = options_;
  detached.read_tokens = read_tokens_;
  detached.read_tokens_at = read_tokens_at_;
  detached.slot = std::move(slot_);
  detached.failure = std::move(failure_);
  detached.truncated = truncated_;
  return detached;
}

SocketAddress Connection::local() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return SocketAddress::from_system(reinterpret_cast<const sockaddr&>(storage));
}

void Connection::set_options(const ConnectionOptions& options) {
  options_ = options;
  if (options_.read_burst_bytes == 0) options_.read_burst_bytes = options.read_bytes_per_second;
  read_tokens_ = read_tokens_at_ == Instant::min()
                     ? options_.read_burst_bytes
                     : std::min<std::int64_t>(read_tokens_, options_.read_burst_bytes);
  if (options_.read_bytes_per_second == 0 && throttled_) {
    throttled_ = false;
    wake_soon();
  }
}

void Connection::set_deadline(Instant at) {
  clear_deadline();
  deadline_ = at;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - shard_.clock().now());
  if (left.count() <= 0) {
    expired_ = true;
    wake_soon();
    return;
  }
  deadline_timer_ = shard_.after(left, [this] {
    deadline_timer_ = 0;
    expired_ = true;
    wake_soon();
  });
}

void Connection::set_deadline_in(std::chrono::milliseconds from_now) {
  set_deadline(shard_.clock().now() + from_now);
}

void Connection::clear_deadline() {
  shard_.cancel(std::exchange(deadline_timer_, 0));
  expired_ = false;
}

void Connection::cancel_timers() {
  shard_.cancel(std::exchange(deadline_timer_, 0));
  shard_.cancel(std::exchange(stall_timer_, 0));
  shard_.cancel(std::exchange(throttle_timer_, 0));
}

bool Connection::can_go_on() const noexcept {
  return fd_.is_open() && !failure_ && !expired_;
}

Result<> Connection::state() const {
  if (failure_) return fail(*failure_);
  if (!fd_.is_open()) return fail(Errc::kClosed, "the connection has been closed here");
  if (expired_) return fail(Errc::kTimeout, "the deadline has passed");
  return {};
}

void Connection::fail_with(Error error) {
  if (failure_) return;
  failure_ = std::make_unique<Error>(std::move(error));
  forget_output();
  wake_soon();
}

// Readers are resumed by the loop only, never from inside a call of somebody else.
void Connection::wake_soon() {
  if (reader_ || drainer_) shard_.reactor().at_end_of_turn(*this);
}

// Resumes the reader if it has something to do. `this` may be gone afterwards.
void Connection::wake() {
  if (reader_ && is_readable()) std::exchange(reader_, nullptr).resume();
}

bool Connection::is_readable() const noexcept {
  if (!can_go_on()) return true;
  if (throttled_) return false;
  return read_wants_write_ ? writable_ : readable_;
}

bool Connection::is_drained() const noexcept {
  return !can_go_on() || unsent_bytes() <= drainer_->at_most;
}

void Connection::on_events(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if (unsent_bytes() > 0) flush();
  if (drainer_ && is_drained()) wake_soon();
  wake();
}

void Connection::on_turn_end() {
  flush();
  if (drainer_ && is_drained()) {
    if (reader_ && is_readable()) wake_soon();  // its turn is the next one
    std::exchange(drainer_, nullptr)->waiter.resume();
    return;
  }
  wake();
}

void Connection::on_shutdown() {
  fail_with(Error(Errc::kCancelled, "the event loop ends"));
}

ReadableWait::~ReadableWait() {
  if (waits_) connection_.reader_ = nullptr;
}

bool ReadableWait::await_ready() const noexcept {
  return connection_.is_readable();
}

void ReadableWait::await_suspend(std::coroutine_handle<> waiter) noexcept {
  BALCONY_ASSERT(!connection_.reader_, "two coroutines wait for the same bytes");
  connection_.reader_ = waiter;
  waits_ = true;
}

Result<> ReadableWait::await_resume() {
  waits_ = false;
  return connection_.state();
}

Task<Result<>> Connection::drained(std::size_t at_most) {
  flush();
  DrainWait wait(*this, at_most);
  co_await wait;
  co_return state();
}

void Connection::abort() {
  if (!fd_.is_open()) return;
  cancel_timers();
  forget_output();
  ssl_.reset();
  shard_.reactor().remove(*this, fd_.get());
  fd_.reset();
  wake_soon();
}

Task<> Connection::close(std::chrono::milliseconds within) {
  if (!fd_.is_open()) co_return;
  set_deadline_in(within);
  closing_ = true;
  throttled_ = false;
  auto sent = co_await drained();
  if (sent && ssl_ && !handshaking_) co_await send_close_notify();
  if (sent && !failure_) {
    ::shutdown(fd_.get(), SHUT_WR);
    // Closing while bytes of the peer lie unread makes the kernel reset the connection, and the
    // peer may never see our last words. So they are read, as they are, until its end comes.
    for (;;) {
      if (auto ready = co_await readable(); !ready) break;
      const auto scratch = shard_.buffer();
      const auto n = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
      if (n < 0 && errno == EAGAIN) readable_ = false;
      read_wants_write_ = false;
    }
  }
  abort();
}

void Connection::close_in_background(ConnectionPtr connection) {
  spawn([](ConnectionPtr owned) -> Task<> { co_await owned->close(); }(std::move(connection)));
}

}  // namespace balcony
