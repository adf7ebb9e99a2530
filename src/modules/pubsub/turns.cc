#include "modules/pubsub/turns.h"

namespace balcony::modules::pubsub {

Turn::~Turn() {
  if (!turns_) return;
  if (turns_->waiting_.empty()) {
    turns_->busy_ = false;
    return;
  }
  // The next one runs before this returns; the queue is his.
  const std::shared_ptr<OneShot<bool>> next = std::move(turns_->waiting_.front());
  turns_->waiting_.pop_front();
  next->set(true);
}

Task<Turn> take_turn(std::shared_ptr<Turns> turns) {
  if (turns->busy_) {
    const auto slot = std::make_shared<OneShot<bool>>();
    turns->waiting_.push_back(slot);
    OneShot<bool>& mine = *slot;
    co_await mine;
  }
  turns->busy_ = true;
  co_return Turn(std::move(turns));
}

}  // namespace balcony::modules::pubsub
