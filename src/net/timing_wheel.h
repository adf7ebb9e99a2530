// TimingWheel: many timers, each cheap. A machine without a clock: the shard tells it the time in
// ticks, tests whatever they like.
//
// A hierarchy of six wheels with 64 slots (Varghese and Lauck, scheme 7). A timer sits in the wheel
// of the highest 6 bits in which its tick differs from now, and moves down when they come to agree:
// at most five moves in its life. Insert and cancel are O(1) and allocate only when there are more
// timers than ever before; a timer takes 56 bytes. An empty wheel asks for no wake-up.
//
// One thread.
#pragma once

#include "base/loop.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace balcony {

class TimingWheel {
 public:
  using Tick = std::uint64_t;

  TimingWheel();

  // Runs `job` in the advance() that reaches tick `at`; a tick that is not in the future is the
  // next one. Returns its name, never 0.
  TimerId insert(Tick at, Job job);

  // Drops a timer with its job. Names of timers that fired or were cancelled are ignored.
  void cancel(TimerId timer);

  // Moves to tick `now` and runs what is due, in the order of ticks. Jobs may insert and cancel.
  void advance(Tick now);

  // The tick at which advance() has something to do next, at the latest; nothing without timers.
  std::optional<Tick> next() const noexcept;

  Tick now() const noexcept { return now_; }
  std::size_t size() const noexcept { return size_; }
  // Drops all timers.
  void clear();

 private:
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1u << kSlotBits;
  static constexpr unsigned kLevels = 6;
  static constexpr Tick kTickMax = (Tick{1} << (kSlotBits * kLevels)) - 1;
  static constexpr std::uint16_t kDue = kLevels * kSlots;  // the list of those that fire now
  static constexpr std::uint16_t kNowhere = kDue + 1;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Entry {
    Job job;
    Tick at = 0;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    std::uint32_t generation = 1;
    std::uint16_t list = kNowhere;
  };

  struct Place {
    unsigned level;
    unsigned slot;
  };
  std::optional<Place> next_place() const noexcept;
  Tick tick_of(Place place) const noexcept;
  std::uint16_t list_for(Tick at) const noexcept;
  void link(std::uint32_t index, std::uint16_t list) noexcept;
  void unlink(std::uint32_t index) noexcept;
  Job take(std::uint32_t index);
  void empty_slot(Place place);
  void run_due();

  Tick now_ = 0;
  std::size_t size_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<std::uint32_t, kLevels * kSlots + 1> heads_;
  std::deque<Entry> entries_;
  std::uint32_t free_ = kNone;
};

}  // namespace balcony
