// A beat that begins with a question: who answers on it does not tell by the time how much work the
// answer was, and so not whether there is such an account.
//
//   Beat beat(loop, kRefusalBeat);
//   auto matches = co_await …;
//   co_await beat.next();
//
// Its times depend on its beginning only, never on when next() is called. A local of a coroutine
// that lives to its end; on the loop's thread.
#pragma once

#include "base/loop.h"

#include <balcony/task.h>

#include <chrono>
#include <utility>

namespace balcony::server {

// Of those who show a wrong password or token: the next turn of the loop's timers.
inline constexpr std::chrono::milliseconds kRefusalBeat{1};

class Beat {
 public:
  Beat(Loop& loop, std::chrono::milliseconds period) : loop_(loop), period_(period) { arm(); }
  ~Beat() { loop_.cancel(timer_); }
  Beat(const Beat&) = delete;
  Beat& operator=(const Beat&) = delete;

  // Waits for the next beat.
  Task<> next() {
    OneShot<bool> beaten;
    waiting_ = &beaten;
    co_await beaten;
  }

 private:
  void arm() {
    timer_ = loop_.after(period_, [this] {
      arm();
      if (waiting_) std::exchange(waiting_, nullptr)->set(true);
    });
  }

  Loop& loop_;
  const std::chrono::milliseconds period_;
  TimerId timer_{};
  OneShot<bool>* waiting_ = nullptr;
};

}  // namespace balcony::server
