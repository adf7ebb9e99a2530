// The event loop as everything above net/ sees it: post, timers, time. net/ implements it on Asio,
// tests with ManualLoop (base/manual_loop.h).
//
// One Loop is one thread. All but post() is called on that thread only.
#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <functional>

namespace balcony {

using Job = std::move_only_function<void()>;

// Names a timer that runs; 0 names none.
using TimerId = std::uint64_t;

class Loop {
 public:
  virtual ~Loop() = default;

  // Runs `job` on this loop's thread, after what was posted before it. From any thread.
  virtual void post(Job job) = 0;

  // Runs `job` once at the end of the current turn of the loop, after the events at hand and before
  // the loop sleeps. Output queues flush here. This loop's thread only.
  virtual void at_end_of_turn(Job job) = 0;

  // Runs `job` after `delay`, rounded up to the wheel's tick (at most 100 ms late). Cheap: timers
  // are entries of a timing wheel. `cancel` of a timer that has fired, or of 0, does nothing.
  virtual TimerId after(std::chrono::milliseconds delay, Job job) = 0;
  virtual void cancel(TimerId timer) = 0;

  virtual const Clock& clock() const = 0;

  // Whether the caller is on this loop's thread. For assertions.
  virtual bool is_current() const = 0;
};

// Threads for work that blocks or computes for long: password hashing, file systems. Bounded.
class WorkerPool {
 public:
  virtual ~WorkerPool() = default;

  // Queues `job` for some worker thread; jobs of a pool with one thread run in order. Returns
  // false, and drops the job, when the queue is full: answer <resource-constraint/>. From any
  // thread.
  [[nodiscard]] virtual bool try_post(Job job) = 0;
};

}  // namespace balcony
