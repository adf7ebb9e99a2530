#include "net/timing_wheel.h"

#include "base/assert.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace balcony {

TimingWheel::TimingWheel() {
  heads_.fill(kNone);
}

TimerId TimingWheel::insert(Tick at, Job job) {
  at = std::clamp(at, now_ + 1, kTickMax);
  std::uint32_t index = free_;
  if (index == kNone) {
    index = static_cast<std::uint32_t>(entries_.size());
    BALCONY_ASSERT(index != kNone, "more timers than 32 bits can name");
    entries_.emplace_back();
  } else {
    free_ = entries_[index].next;
  }
  Entry& entry = entries_[index];
  entry.job = std::move(job);
  entry.at = at;
  link(index, list_for(at));
  ++size_;
  return (std::uint64_t{entry.generation} << 32) | (index + std::uint64_t{1});
}

void TimingWheel::cancel(TimerId timer) {
  const std::uint64_t index = (timer & 0xffffffffu) - 1;
  if (index >= entries_.size()) return;
  const Entry& entry = entries_[index];
  if (entry.generation != timer >> 32 || entry.list == kNowhere) return;
  // The job is destroyed after the wheel is consistent again: its destructor may cancel others.
  const Job dropped = take(static_cast<std::uint32_t>(index));
}

void TimingWheel::advance(Tick now) {
  while (const auto place = next_place()) {
    const Tick tick = tick_of(*place);
    if (tick > now) break;
    now_ = tick;
    empty_slot(*place);
    run_due();
  }
  now_ = std::max(now_, now);
}

std::optional<TimingWheel::Tick> TimingWheel::next() const noexcept {
  const auto place = next_place();
  if (!place) return std::nullopt;
  return tick_of(*place);
}

void TimingWheel::clear() {
  for (std::uint32_t index = 0; index < entries_.size(); ++index) {
    if (entries_[index].list == kNowhere) continue;
    const Job dropped = take(index);
  }
}

// Slots of a level are always ahead of `now_` within its round: an entry's slot is where its tick
// first differs from `now_`, and `now_` never passes an occupied slot without emptying it. So the
// lowest occupied level has the next work, in its lowest occupied slot.
std::optional<TimingWheel::Place> TimingWheel::next_place() const noexcept {
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] != 0) {
      return Place(level, static_cast<unsigned>(std::countr_zero(occupied_[level])));
    }
  }
  return std::nullopt;
}

TimingWheel::Tick TimingWheel::tick_of(Place place) const noexcept {
  const unsigned shift = place.level * kSlotBits;
  const Tick round = now_ >> (shift + kSlotBits) << (shift + kSlotBits);
  return round | (Tick{place.slot} << shift);
}

std::uint16_t TimingWheel::list_for(Tick at) const noexcept {
  if (at <= now_) return kDue;
  const unsigned highest_bit = 63u - static_cast<unsigned>(std::countl_zero(at ^ now_));
  const unsigned level = highest_bit / kSlotBits;
  const Tick slot = (at >> (level * kSlotBits)) & (kSlots - 1);
  return static_cast<std::uint16_t>(level * kSlots + slot);
}

void TimingWheel::link(std::uint32_t index, std::uint16_t list) noexcept {
  Entry& entry = entries_[index];
  entry.list = list;
  entry.previous = kNone;
  entry.next = heads_[list];
  if (entry.next != kNone) entries_[entry.next].previous = index;
  heads_[list] = index;
  if (list < kDue) occupied_[list / kSlots] |= std::uint64_t{1} << (list % kSlots);
}

void TimingWheel::unlink(std::uint32_t index) noexcept {
  Entry& entry = entries_[index];
  const std::uint16_t list = std::exchange(entry.list, kNowhere);
  if (entry.next != kNone) entries_[entry.next].previous = entry.previous;
  if (entry.previous != kNone) {
    entries_[entry.previous].next = entry.next;
    return;
  }
  heads_[list] = entry.next;
  if (entry.next == kNone && list < kDue) {
    occupied_[list / kSlots] &= ~(std::uint64_t{1} << (list % kSlots));
  }
}

Job TimingWheel::take(std::uint32_t index) {
  unlink(index);
  Entry& entry = entries_[index];
  ++entry.generation;
  entry.next = std::exchange(free_, index);
  --size_;
  return std::exchange(entry.job, Job());
}

void TimingWheel::empty_slot(Place place) {
  const auto list = static_cast<std::uint16_t>(place.level * kSlots + place.slot);
  while (heads_[list] != kNone) {
    const std::uint32_t index = heads_[list];
    unlink(index);
    link(index, list_for(entries_[index].at));
  }
}

void TimingWheel::run_due() {
  while (heads_[kDue] != kNone) {
    Job job = take(heads_[kDue]);
    job();
  }
}

}  // namespace balcony
