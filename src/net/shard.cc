#include "net/shard.h"

#include "base/assert.h"
#include "net/reactor.h"
#include "net/timing_wheel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace balcony {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr std::size_t kBufferBytes = 64u << 10;
constexpr std::size_t kStringsKeptMax = 64;
constexpr std::size_t kStringBytesMin = 256;
constexpr std::size_t kStringBytesMax = 64u << 10;

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

thread_local Shard* current_shard = nullptr;

}  // namespace

struct Shard::Parts {
  SystemClock clock;
  Instant start = clock.now();
  Reactor reactor;
  TimingWheel wheel;
  std::vector<Job> end_of_turn;
  std::vector<Job> running;  // its capacity is what is kept
  std::vector<std::string> strings;
  std::vector<char> buffer = std::vector<char>(kBufferBytes);

  std::atomic<bool> stopping = false;
  std::atomic<bool> is_running = false;
  std::atomic<bool> has_inbox = false;
  std::atomic<bool> sleeps = false;  // or is about to

  std::mutex mutex;  // guards what follows
  std::vector<Job> inbox;

  TimingWheel::Tick tick_now() const {
    return static_cast<TimingWheel::Tick>((clock.now() - start) / kTick);
  }
};

Shard::Shard(std::size_t index, ShardOptions options)
    : index_(index), options_(options), parts_(std::make_unique<Parts>()) {
  parts_->strings.reserve(kStringsKeptMax);  // so that give_string() cannot fail
}

Shard::~Shard() {
  BALCONY_ASSERT(!parts_->is_running, "a shard is destroyed while it runs");
  // What jobs own may cancel timers, or own connections that live here: all parts must still exist.
  while (!parts_->inbox.empty()) std::exchange(parts_->inbox, {}).clear();
  while (!parts_->end_of_turn.empty()) std::exchange(parts_->end_of_turn, {}).clear();
  parts_->wheel.clear();
}

Shard* Shard::current() noexcept {
  return current_shard;
}

void Shard::run() {
  Shard* const outer = std::exchange(current_shard, this);
  parts_->is_running = true;
  while (!parts_->stopping) turn();
  shut_down();
  parts_->is_running = false;
  current_shard = outer;
}

void Shard::stop() {
  parts_->stopping = true;
  parts_->reactor.wake();
}

void Shard::turn() {
  const bool was_posted_to = run_posted();
  parts_->wheel.advance(parts_->tick_now());
  run_end_of_turn();
  sleep_until_something(was_posted_to);
}

bool Shard::run_posted() {
  if (!parts_->has_inbox.load(std::memory_order_acquire)) return false;
  std::vector<Job>& running = parts_->running;
  {
    const std::lock_guard lock(parts_->mutex);
    running.swap(parts_->inbox);
    parts_->has_inbox = false;
  }
  for (Job& job : running) {
    job();
    job = nullptr;  // what it owns dies before the next job runs
  }
  running.clear();
  if (running.capacity() > 4096) running.shrink_to_fit();
  return true;
}

void Shard::run_end_of_turn() {
  std::vector<Job> jobs = std::exchange(parts_->end_of_turn, {});
  for (Job& job : jobs) job();
  parts_->reactor.run_turn_ends();
}

void Shard::sleep_until_something(bool was_posted_to) {
  Parts& parts = *parts_;
  int timeout_ms = -1;
  if (!parts.end_of_turn.empty() || parts.reactor.has_turn_ends()) {
    timeout_ms = 0;
  } else if (const auto next = parts.wheel.next()) {
    const auto left = parts.start + *next * kTick - parts.clock.now();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(
        std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, 3'600'000));
  }
  if (timeout_ms != 0 && was_posted_to && options_.spin.count() > 0) {
    // Who was sent work is likely to be sent more; waking a sleeping thread costs more than this.
    const Instant until = parts.clock.now() + options_.spin;
    while (!parts.has_inbox.load(std::memory_order_relaxed) && parts.clock.now() < until) {
    }
  }
  if (timeout_ms != 0) {
    // This thread says that it sleeps and then looks; who posts puts it in and then asks who
    // sleeps. One of the two sees what the other did.
    parts.sleeps = true;
    if (parts.has_inbox || parts.stopping) timeout_ms = 0;
  }
  parts.reactor.wait(timeout_ms);
  parts.sleeps.store(false, std::memory_order_relaxed);
}

void Shard::shut_down() {
  // Coroutines that end may post and write; some rounds are enough for what is no endless loop.
  constexpr int kRoundsMax = 16;
  for (int round = 0; round < kRoundsMax; ++round) {
    parts_->reactor.shut_down();
    const bool posted = run_posted();
    run_end_of_turn();
    if (!posted && parts_->end_of_turn.empty() && !parts_->reactor.has_turn_ends()) return;
  }
}

void Shard::post(Job job) {
  Parts& parts = *parts_;
  {
    const std::lock_guard lock(parts.mutex);
    parts.inbox.push_back(std::move(job));
    parts.has_inbox = true;
  }
  if (parts.sleeps && parts.sleeps.exchange(false)) parts.reactor.wake();  // one for a batch
}

void Shard::at_end_of_turn(Job job) {
  BALCONY_ASSERT(is_current() || !parts_->is_running, "at_end_of_turn from another thread");
  parts_->end_of_turn.push_back(std::move(job));
}

TimerId Shard::after(std::chrono::milliseconds delay, Job job) {
  BALCONY_ASSERT(is_current() || !parts_->is_running, "a timer is set from another thread");
  // Beyond that a timer never fires in practice, and the sum must not overflow.
  constexpr std::chrono::milliseconds kDelayMax = std::chrono::years(100);
  const auto due = parts_->clock.now() - parts_->start +
                   std::clamp(delay, std::chrono::milliseconds(0), kDelayMax);
  const auto ticks = (due + kTick - std::chrono::nanoseconds(1)) / kTick;
  return parts_->wheel.insert(static_cast<TimingWheel::Tick>(ticks), std::move(job));
}

void Shard::cancel(TimerId timer) {
  BALCONY_ASSERT(is_current() || !parts_->is_running, "a timer is cancelled from another thread");
  parts_->wheel.cancel(timer);
}

const Clock& Shard::clock() const {
  return parts_->clock;
}

bool Shard::is_current() const {
  return current_shard == this;
}

std::span<char> Shard::buffer() noexcept {
  return parts_->buffer;
}

std::string Shard::take_string() {
  if (parts_->strings.empty()) return {};
  std::string text = std::move(parts_->strings.back());
  parts_->strings.pop_back();
  return text;
}

void Shard::give_string(std::string text) noexcept {
  if (text.capacity() < kStringBytesMin || text.capacity() > kStringBytesMax ||
      parts_->strings.size() >= kStringsKeptMax)
    return;
  text.clear();
  parts_->strings.push_back(std::move(text));
}

Reactor& Shard::reactor() noexcept {
  return parts_->reactor;
}

ShardSet::ShardSet(std::size_t count, ShardOptions options) {
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>(i, options));
  for (auto& shard : shards_) threads_.emplace_back([&shard = *shard] { shard.run(); });
}

ShardSet::~ShardSet() {
  stop();
}

void ShardSet::stop() {
  for (auto& shard : shards_) shard->stop();
  threads_.clear();  // joins
}

void ShardSet::on_every(std::function<void(Shard&)> f) {
  const auto shared = std::make_shared<const std::function<void(Shard&)>>(std::move(f));
  for (auto& shard : shards_) {
    shard->post([shared, &shard = *shard] { (*shared)(shard); });
  }
}

}  // namespace balcony
