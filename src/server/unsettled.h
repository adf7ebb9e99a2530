// How a stream waits for what it has received: while too much of that is not settled (decision
// 0012), nothing more is read.
//
// Used by ClientSession and PeerStream, for StreamReader::Stream. It moves with its session.
#pragma once

#include "base/loop.h"
#include "server/config.h"
#include "server/ledger.h"

#include <balcony/task.h>

#include <functional>
#include <memory>

namespace balcony::server {

// Whether [limits] lets no more be open. Null: nothing is.
bool is_too_much_open(const Ledger* ledger, const LimitsConfig& limits);

class UnsettledWait {
 public:
  // Waits while `is_behind` says so; asks it again after each wake().
  Task<> wait(std::function<bool()> is_behind);
  // Something was settled, or the stream has ended. Nobody goes on on the caller's stack.
  void wake(Loop& loop);

 private:
  std::shared_ptr<OneShot<bool>> waiter_;
};

}  // namespace balcony::server
