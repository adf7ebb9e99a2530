// Shard: one thread, one event loop, and everything that lives there. ShardSet: all of them.
//
// The server runs one shard per core; the client library runs one. A shard sleeps in epoll(7);
// sockets are watched edge-triggered and registered once, so that neither waiting nor writing costs
// a system call of its own. One turn of the loop is: descriptors that are ready, what was posted,
// timers that are due, then the end of the turn (output queues are flushed there), then sleep.
//
// Threads: post(), stop() and index() from any thread, everything else on the shard's own.
#pragma once

#include "base/loop.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace balcony {

class Reactor;

struct ShardOptions {
  // How long a shard that has just been sent work by another looks for more before it sleeps.
  // Saves the 20 µs of waking a thread; 0: never spins.
  std::chrono::microseconds spin{5};
};

class Shard final : public Loop {
 public:
  // `index`: its number in the set. Needs descriptors; a system without any ends the process.
  explicit Shard(std::size_t index = 0, ShardOptions options = {});
  // After run() has returned. Jobs and timers that are left are dropped, not run.
  ~Shard() override;

  // Runs the loop on the calling thread until stop(). At the end every connection that lives here
  // fails with kCancelled, so that the coroutines which wait for them come to their end.
  void run();
  // Makes run() return after the turn at hand. From any thread; also before run().
  void stop();

  // The shard whose run() is on this thread's stack, or null.
  static Shard* current() noexcept;

  void post(Job job) override;
  void at_end_of_turn(Job job) override;
  TimerId after(std::chrono::milliseconds delay, Job job) override;
  void cancel(TimerId timer) override;
  const Clock& clock() const override;
  bool is_current() const override;

  std::size_t index() const noexcept { return index_; }

  // 64 KiB to read into. Whoever reads uses the bytes before the next co_await: the buffer is
  // everybody's.
  std::span<char> buffer() noexcept;

  // Empty strings with some capacity, for output that lives shortly.
  std::string take_string();
  void give_string(std::string text) noexcept;

  // For watchers only.
  Reactor& reactor() noexcept;

 private:
  struct Parts;
  void turn();
  bool run_posted();
  void run_end_of_turn();
  void sleep_until_something(bool was_posted_to);
  void shut_down();

  const std::size_t index_;
  const ShardOptions options_;
  std::unique_ptr<Parts> parts_;
};

// The shards of a process with their threads.
//
// Threads: made and destroyed by one thread that is none of them; everything else from any thread.
class ShardSet {
 public:
  // Starts `count` shards (0: one per core), each with its thread.
  explicit ShardSet(std::size_t count, ShardOptions options = {});
  // Stops all shards and waits for their threads.
  ~ShardSet();
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;

  std::size_t size() const noexcept { return shards_.size(); }
  Shard& at(std::size_t index) noexcept { return *shards_[index]; }

  // Runs `f` once on each shard, soon and in no order. `f` is shared by the threads.
  void on_every(std::function<void(Shard&)> f);

  // Ends all loops and joins their threads; the shards stay, and drop what is posted. Called by the
  // destructor; earlier by who wants to take things apart in order.
  void stop();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::jthread> threads_;
};

}  // namespace balcony
