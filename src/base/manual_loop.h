// A Loop for tests and simulation: nothing happens until run() or advance() is called.
#pragma once

#include "base/loop.h"

#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace balcony {

class ManualLoop final : public Loop {
 public:
  void post(Job job) override { posted_.push_back(std::move(job)); }
  void at_end_of_turn(Job job) override { at_end_.push_back(std::move(job)); }

  TimerId after(std::chrono::milliseconds delay, Job job) override {
    const TimerId id = ++last_timer_;
    timers_.emplace(std::pair{clock_.now() + delay, id}, std::move(job));
    return id;
  }

  void cancel(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }

  const Clock& clock() const override { return clock_; }
  ManualClock& manual_clock() { return clock_; }
  bool is_current() const override { return true; }

  // Runs everything that was posted, and what that posts, until nothing is left. Returns whether
  // there was anything.
  bool run() {
    const bool any = !posted_.empty() || !at_end_.empty();
    while (!posted_.empty() || !at_end_.empty()) {
      while (!posted_.empty()) {
        Job job = std::move(posted_.front());
        posted_.pop_front();
        job();
      }
      for (Job& job : std::exchange(at_end_, {})) job();
    }
    return any;
  }

  // Moves time on and fires the timers that are due, in their order.
  void advance(std::chrono::milliseconds by) {
    run();
    const Instant target = clock_.now() + by;
    while (!timers_.empty() && timers_.begin()->first.first <= target) {
      auto entry = timers_.extract(timers_.begin());
      const auto step =
          std::chrono::ceil<std::chrono::milliseconds>(entry.key().first - clock_.now());
      if (step.count() > 0) clock_.advance(step);
      entry.mapped()();
      run();
    }
    if (clock_.now() < target) {
      clock_.advance(std::chrono::ceil<std::chrono::milliseconds>(target - clock_.now()));
    }
  }

  std::size_t timers() const { return timers_.size(); }

 private:
  ManualClock clock_;
  std::deque<Job> posted_;
  std::vector<Job> at_end_;
  std::map<std::pair<Instant, TimerId>, Job> timers_;
  TimerId last_timer_ = 0;
};

// A WorkerPool that does the work at once, on the caller's thread. For tests.
class InlineWorkers final : public WorkerPool {
 public:
  bool try_post(Job job) override {
    job();
    return true;
  }
};

}  // namespace balcony
