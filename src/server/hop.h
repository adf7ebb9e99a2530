// Awaiting work on another shard: the coroutine here sleeps, a task runs there, the value comes
// back.
#pragma once

#include "base/loop.h"

#include <balcony/task.h>

#include <functional>
#include <memory>
#include <utility>

namespace balcony::server {

// Runs `work` on the loop `there` and gives its value to the coroutine on `here`. At once when both
// are the same. `T` must be movable. The coroutine must not be destroyed while it waits: sessions
// are driven to their end, never torn down.
template <class T>
Task<T> run_on(Loop& here, Loop& there, std::function<Task<T>()> work) {
  if (&here == &there) co_return co_await work();
  OneShot<T> done;
  there.post([&here, &done, &work] {
    spawn([](Loop& back, OneShot<T>& to, std::function<Task<T>()>& job) -> Task<> {
      auto value = std::make_shared<T>(co_await job());
      back.post([&to, value] { to.set(std::move(*value)); });
    }(here, done, work));
  });
  co_return co_await done;
}

// The same for something that blocks or computes: on a worker thread. nullopt when the pool is
// full.
template <class T>
Task<std::optional<T>> run_in(Loop& here, WorkerPool& pool, std::function<T()> work) {
  OneShot<std::optional<T>> done;
  const bool queued = pool.try_post([&here, &done, &work] {
    auto value = std::make_shared<T>(work());
    here.post([&done, value] { done.set(std::optional<T>(std::move(*value))); });
  });
  if (!queued) co_return std::nullopt;
  co_return co_await done;
}

// Waits. For delays that a peer has earned.
inline Task<> delay_for(Loop& loop, std::chrono::milliseconds delay) {
  OneShot<bool> done;
  loop.after(delay, [&done] { done.set(true); });
  co_await done;
}

}  // namespace balcony::server
