// ThreadPool: a few threads for work that blocks or computes for long, with a bounded queue.
//
// Password hashing, storage and files run here and never on a shard. Jobs post their results back
// to the loop that asked.
#pragma once

#include "base/loop.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace balcony {

class ThreadPool final : public WorkerPool {
 public:
  // `threads`: at least 1; with one, jobs run in their order. `queue_max`: jobs that may wait.
  ThreadPool(std::size_t threads, std::size_t queue_max);
  // Runs what is queued, then joins the threads.
  ~ThreadPool() override;

  // From any thread. False when `queue_max` jobs wait already, or when the pool is being destroyed.
  [[nodiscard]] bool try_post(Job job) override;

  // Jobs that wait, without those that run. From any thread.
  std::size_t queued() const;

 private:
  void work();

  const std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace balcony
