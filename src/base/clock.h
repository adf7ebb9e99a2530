// Time as the protocol sees it: handed in, so that a test or a simulation owns it.
//
// Nothing outside net/ reads the system's clocks; everything else asks a Clock.
#pragma once

#include <chrono>

namespace balcony {

// Monotonic time since some fixed moment. For deadlines and durations; never shown to a peer.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// UTC, in milliseconds. For time stamps that people and peers see (XEP-0082).
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
};

// A clock that stands still until it is moved. For tests and simulation.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  void advance(std::chrono::milliseconds by) {
    now_ += by;
    wall_ += by;
  }
  void set_wall(WallTime wall) { wall_ = wall; }

 private:
  Instant now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::milliseconds(1'700'000'000'000)};
};

}  // namespace balcony
