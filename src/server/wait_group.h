// Waiting for several tasks that run at the same time, on one loop.
#pragma once

#include <balcony/task.h>

#include <cstddef>
#include <functional>

namespace balcony::server {

// Runs work(0) … work(count - 1), at most `at_once` of them at a time; ends when all have ended.
// `work` must outlive the task.
inline Task<> run_all(std::size_t count, std::size_t at_once,
                      const std::function<Task<>(std::size_t index)>& work) {
  if (count == 0 || at_once == 0) co_return;
  struct Shared {
    std::size_t next = 0;
    std::size_t running = 0;
    OneShot<bool> done;
  } shared;
  const std::size_t workers = at_once < count ? at_once : count;
  shared.running = workers;
  for (std::size_t i = 0; i < workers; ++i) {
    spawn([](Shared& s, std::size_t all, const std::function<Task<>(std::size_t)>& job) -> Task<> {
      while (s.next < all) co_await job(s.next++);
      if (--s.running == 0) s.done.set(true);
    }(shared, count, work));
  }
  co_await shared.done;
}

}  // namespace balcony::server
