// The waits of a connection's life that end when it changes: before the next attempt to connect,
// between signs of life.
//
// Member of Core and ComponentCore. On the runtime's loop.
#pragma once

#include "base/loop.h"
#include "client/wait_list.h"

#include <balcony/task.h>

#include <chrono>

namespace balcony::client {

class Pauses {
 public:
  explicit Pauses(Loop& loop) : loop_(loop) {}

  // False: ended before its time.
  Task<bool> pause(std::chrono::milliseconds time);
  // All of them end.
  void end() { waits_.happened(false); }

  // Before another attempt to connect: `first`, then twice as long each time up to `longest`, and
  // up to a quarter more by chance, so that a server that comes back is not stormed.
  Task<bool> before_next_attempt(std::chrono::milliseconds first,
                                 std::chrono::milliseconds longest);
  // An attempt has succeeded: the next wait is the first again.
  void succeeded() { backoff_ = {}; }

 private:
  Loop& loop_;
  WaitList<bool> waits_;
  std::chrono::milliseconds backoff_{0};
};

}  // namespace balcony::client
