#include "storage/shard.h"

#include "base/assert.h"

#include <algorithm>

namespace balcony::storage {
namespace {

constexpr std::size_t kFailuresKeptMax = 64;
// Three groups: one on its way to the disk, the next one whole, and some to come.
constexpr std::size_t kPendingMax = 3'000;

}  // namespace

Ticket Shard::issue() {
  BALCONY_ASSERT(loop_ && loop_->is_current(), "a Store is used on its loop only");
  pending_.emplace_back();
  return first_ + pending_.size() - 1;
}

void Shard::when(Ticket ticket, Done done) {
  BALCONY_ASSERT(ticket < first_ + pending_.size(), "a ticket of another Store");
  if (ticket >= first_) {
    pending_[ticket - first_].waiting.push_back(std::move(done));
    return;
  }
  const auto failure = std::ranges::find(failures_, ticket, &std::pair<Ticket, Error>::first);
  if (failure != failures_.end()) return done(fail(failure->second));
  done({});
}

Ticket Shard::busy_until() const {
  return pending_.size() < kPendingMax ? 0 : first_ + pending_.size() / 2;
}

void Shard::settle(Ticket ticket, Result<> outcome) {
  if (ticket < first_) return;  // detach() came between
  pending_[ticket - first_].outcome = std::move(outcome);
}

void Shard::report() {
  const Ticket end = first_ + pending_.size();
  while (first_ < end && !pending_.empty() && pending_.front().outcome) {
    Pending settled = std::move(pending_.front());
    pending_.pop_front();
    const Ticket ticket = first_++;
    if (!*settled.outcome) {
      failures_.emplace_back(ticket, settled.outcome->error());
      if (failures_.size() > kFailuresKeptMax) failures_.pop_front();
    }
    for (Done& done : settled.waiting) done(*settled.outcome);
  }
}

void Shard::settle_later(Ticket ticket, Result<> outcome) {
  settle(ticket, std::move(outcome));
  post([weak = weak_from_this()] {
    if (const auto shard = weak.lock()) shard->report();
  });
}

Task<> Shard::settled() {
  if (pending_.empty()) co_return;
  auto slot = std::make_shared<OneShot<Result<>>>();
  when(first_ + pending_.size() - 1, setter(slot));
  // A read after a failed commit still reads: it sees what there is.
  OneShot<Result<>>& reported = *slot;
  const Result<> outcome = co_await reported;
  static_cast<void>(outcome);
}

Task<> Shard::turn() {
  auto slot = std::make_shared<OneShot<bool>>();
  post([set = setter(slot)]() mutable { set(true); });
  OneShot<bool>& turned = *slot;
  co_await turned;
}

void Shard::detach() {
  first_ += pending_.size();
  // Swapped out first: destroying a callback may call back into here.
  const auto dropped = std::exchange(pending_, {});
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

void Shard::post(Job job) {
  const std::lock_guard lock(mutex_);
  if (loop_) loop_->post(std::move(job));
}

}  // namespace balcony::storage
