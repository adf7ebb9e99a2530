// Awaits a task in a loop: one that ends without having waited costs no stack, whatever the
// compiler makes of a transfer between coroutines (with sanitizers: a call, and a peer who never
// stops sending fills the stack).
//
//   Step step(consume(bytes));
//   const Next next = co_await step;
//
// Used by the sessions' reading loops. One thread.
#pragma once

#include <balcony/task.h>

#include <coroutine>
#include <utility>

namespace balcony::server {

template <class T>
class Step {
 public:
  explicit Step(Task<T> task) : task_(std::move(task)) {}
  bool await_ready() { return task_.start(); }
  void await_suspend(std::coroutine_handle<> loop) { std::move(task_).rest().await_suspend(loop); }
  T await_resume() { return task_.take(); }

 private:
  Task<T> task_;
};

}  // namespace balcony::server
