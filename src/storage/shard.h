// A Shard: what the Store of every backend does the same way on its loop. It numbers tickets,
// keeps who waits for them, and carries jobs from other threads to the loop.
//
// Used by memory/ and sqlite/ only. Its Store owns it together with whoever still works for the
// Store on another thread; those call nothing but post().
#pragma once

#include "storage/storage.h"

#include "base/loop.h"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace balcony::storage {

class Shard : public std::enable_shared_from_this<Shard> {
 public:
  explicit Shard(Loop& loop) : loop_(&loop) {}

  // ---- the loop's thread

  // A new ticket. Every one that is issued must be settled some time.
  Ticket issue();
  // See Store::when().
  void when(Ticket ticket, Done done);
  // See Store::busy_until().
  Ticket busy_until() const;
  // Notes how a ticket ended. In any order; report() keeps theirs.
  void settle(Ticket ticket, Result<> outcome);
  // Tells who waits for the tickets that are settled, up to the first that is not. Tickets that are
  // issued meanwhile are left for the next report.
  void report();
  // settle() now, report() in a later turn.
  void settle_later(Ticket ticket, Result<> outcome);
  // Ends when every ticket issued so far has been reported.
  Task<> settled();
  // Ends in a later turn of the loop.
  Task<> turn();
  // The Store goes: who waits is dropped, and the loop is not touched any more.
  void detach();

  // ---- any thread

  // Posts to the loop, or drops the job after detach().
  void post(Job job);

 private:
  struct Pending {
    std::optional<Result<>> outcome;
    std::vector<Done> waiting;
  };

  std::deque<Pending> pending_;  // of the tickets first_ … first_ + size - 1
  Ticket first_ = 1;
  // The last failures, for a when() that comes late.
  std::deque<std::pair<Ticket, Error>> failures_;

  std::mutex mutex_;  // guards loop_ against detach() while another thread posts
  Loop* loop_;
};

// Sets the slot if its coroutine still waits. Any thread may carry the setter, the loop's calls it:
// the coroutine alone owns the slot.
template <class T>
auto setter(const std::shared_ptr<OneShot<T>>& slot) {
  return [weak = std::weak_ptr(slot)](T value) {
    if (const auto waiting = weak.lock()) waiting->set(std::move(value));
  };
}

}  // namespace balcony::storage
