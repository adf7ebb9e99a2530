// The event loop of a program that uses the client library.
//
// The easy way is balcony::run(): it makes a Runtime, runs one task on the calling thread and
// returns what the task returns.
//
//   Task<int> program() { Client client(options); … co_return 0; }
//   int main() { return balcony::run(program()); }
//
// A program with a loop of its own, or one that calls from elsewhere, makes a Runtime with its own
// thread and hands tasks to it.
#pragma once

#include <balcony/task.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace balcony {

class Runtime {
 public:
  enum class Thread : unsigned char {
    kCallers,  // run() runs the loop on its caller's thread, once
    kOwn,      // the loop has its thread; run() may be called again and again, from any other
  };

  // A system without descriptors or threads ends the process.
  explicit Runtime(Thread thread = Thread::kCallers);
  // Ends the loop. Not on its own thread. Clients that live here must be gone.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // The runtime whose loop runs on this thread, or null.
  static Runtime* current() noexcept;

  // Runs `task` on the loop's thread, waits for its end and returns its value. With kCallers, open
  // connections then have two seconds to be closed in order.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    run_to_end(keep(std::move(task), value));
    return *std::move(value);
  }
  void run(Task<> task) { run_to_end(std::move(task)); }

  // Runs `job` on the loop's thread soon. From any thread.
  void post(std::move_only_function<void()> job);

  // Waits. At most 100 ms longer than asked. On the loop's thread.
  Task<> sleep(std::chrono::milliseconds time);

  // Waits until there is something to read from `descriptor`, or its end; at most `within`. Returns
  // false when time is up. A regular file is always readable. One waiter a descriptor. On the
  // loop's thread.
  Task<bool> readable(int descriptor, std::chrono::milliseconds within);

  // Monotonic time since some fixed moment. From any thread.
  std::chrono::milliseconds now() const;

  // The library's own.
  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  template <class T>
  static Task<> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  void run_to_end(Task<> task);

  std::unique_ptr<Impl> impl_;
};

// Runs `task` on the calling thread with a Runtime of its own.
template <class T>
T run(Task<T> task) {
  Runtime runtime;
  return runtime.run(std::move(task));
}

}  // namespace balcony
