// The awaitable of Connection::drained(). For net/connection*.cc only.
#pragma once

#include "net/connection.h"

#include "base/assert.h"

namespace balcony {

struct Connection::DrainWait {
  DrainWait(Connection& connection_, std::size_t at_most_) noexcept
      : connection(connection_), at_most(at_most_) {}
  DrainWait(const DrainWait&) = delete;
  DrainWait& operator=(const DrainWait&) = delete;
  ~DrainWait() {
    if (connection.drainer_ == this) connection.drainer_ = nullptr;
  }

  bool await_ready() const noexcept {
    return !connection.can_go_on() || connection.unsent_bytes() <= at_most;
  }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    BALCONY_ASSERT(connection.drainer_ == nullptr, "two coroutines wait for the same output");
    waiter = handle;
    connection.drainer_ = this;
  }
  void await_resume() const noexcept {}

  Connection& connection;
  std::size_t at_most;
  std::coroutine_handle<> waiter = nullptr;
};

}  // namespace balcony
