// Task<T>: a coroutine that starts when it is awaited and resumes its awaiter when it ends.
//
// A task belongs to one thread (one shard, or the thread of a client): it is created, awaited,
// resumed and destroyed there. Nothing here locks. Tasks do not throw: an exception that leaves one
// ends the process, because no exception crosses a folder.
//
//   Task<Result<int>> answer();
//   Task<> ask() { auto n = co_await answer(); … }
//   spawn(ask());                          // runs on its own; nobody awaits it
//
// OneShot<T> turns a callback into something that can be awaited.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace balcony {

namespace detail {

// Frames of coroutines come from a small free list of the thread: one stanza that suspends should
// not cost a trip to malloc.
void* allocate_frame(std::size_t bytes);
void free_frame(void* frame, std::size_t bytes) noexcept;

struct PromiseBase {
  std::coroutine_handle<> continuation = nullptr;
  bool detached = false;

  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { free_frame(frame, bytes); }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      if (promise.detached) self.destroy();
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() const noexcept { return {}; }

  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <class U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { reset(); }

  // Awaiting starts the task; its value is moved out to the awaiter. Await a task once.
  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return handle.done(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) const noexcept {
        handle.promise().continuation = awaiter;
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

  // Starts the task now, on the caller's stack. Returns true when it already ended: its value is
  // then taken with `take()`. For hot paths, where most tasks end without having waited; a task
  // that was started and has not ended is finished with `co_await` of `rest()`.
  bool start() {
    handle_.resume();
    return handle_.done();
  }
  T take() { return handle_.promise().take(); }

  // What remains of a task that `start()` began. Awaits its end, without starting it again.
  auto rest() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return handle.done(); }
      void await_suspend(std::coroutine_handle<> awaiter) const noexcept {
        handle.promise().continuation = awaiter;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

  // Gives the frame away: it starts now and frees itself at its end. See spawn().
  void detach() && {
    Handle handle = std::exchange(handle_, nullptr);
    handle.promise().detached = true;
    handle.resume();
  }

 private:
  void reset() {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }
  Handle handle_;
};

// Starts `task` now and lets it run to its end on its own.
inline void spawn(Task<void> task) {
  std::move(task).detach();
}

// A value that comes later, for exactly one awaiter on the same thread.
//
// `set()` resumes the awaiter before it returns; it may come before or after the `co_await`. A
// OneShot must outlive its awaiter's wait: keep it in the coroutine's frame or in a shared object.
template <class T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  // Gives the value. Later calls are ignored: of a deadline and an answer, the first counts.
  template <class U = T>
  void set(U&& value) {
    if (value_) return;
    value_.emplace(std::forward<U>(value));
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }
  bool is_set() const noexcept { return value_.has_value(); }

  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiter) noexcept { waiter_ = awaiter; }
  T await_resume() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_ = nullptr;
};

}  // namespace balcony
