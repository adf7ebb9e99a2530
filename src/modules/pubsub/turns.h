// Who changes the items of a service does so alone: what he has read is true until he has written.
//
// A coroutine takes its turn and gives it back by destroying it:
//   const Turn turn = co_await take_turn(service.turns());
// One thread: the service's.
#pragma once

#include <balcony/task.h>

#include <deque>
#include <memory>
#include <utility>

namespace balcony::modules::pubsub {

class Turns {
 public:
  bool busy() const { return busy_; }

 private:
  friend class Turn;
  friend Task<class Turn> take_turn(std::shared_ptr<Turns> turns);
  bool busy_ = false;
  std::deque<std::shared_ptr<OneShot<bool>>> waiting_;
};

// Movable, not copyable.
class Turn {
 public:
  explicit Turn(std::shared_ptr<Turns> turns) : turns_(std::move(turns)) {}
  Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn();

 private:
  std::shared_ptr<Turns> turns_;
};

// Waits until those who came before have given theirs back.
Task<Turn> take_turn(std::shared_ptr<Turns> turns);

}  // namespace balcony::modules::pubsub
