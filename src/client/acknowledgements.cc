#include "client/acknowledgements.h"

#include <algorithm>
#include <utility>

namespace balcony::client {

Acknowledgements::Waiting::Waiting(Acknowledgements& all, Loop& loop,
                                   std::chrono::milliseconds timeout)
    : all_(&all), loop_(loop) {
  timer_ = loop_.after(timeout, [this] {
    timer_ = 0;
    std::exchange(all_, nullptr)->forget(this);
    outcome.set(Result<>(fail(Errc::kTimeout, "the server did not acknowledge it in time")));
  });
}

Acknowledgements::Waiting::~Waiting() {
  loop_.cancel(timer_);
  if (all_) all_->forget(this);
}

void Acknowledgements::start() {
  on_ = true;
  wanted_ = false;
  unasked_ = 0;
  machine_ = stream::StreamManagement();
  machine_.start_sending();
  machine_.start_receiving();
  queue_.clear();
}

void Acknowledgements::stop(const Error& why) {
  on_ = false;
  machine_ = stream::StreamManagement();
  while (!queue_.empty()) {
    Waiting* const who = queue_.front();
    queue_.pop_front();
    finish(who, fail(why));
  }
}

Result<> Acknowledgements::sent(Waiting* who) {
  if (!on_) return {};
  queue_.push_back(who);
  ++unasked_;
  wanted_ = wanted_ || who != nullptr;
  // Nothing is ever sent again, so that no text need be kept.
  return machine_.sent({});
}

std::string Acknowledgements::ask() {
  wanted_ = false;
  unasked_ = 0;
  return stream::StreamManagement::ask();
}

Acknowledgements::Heard Acknowledgements::on_element(xml::ElementView element) {
  if (!on_) return {};
  auto effect = machine_.on_element(element);
  Heard heard{std::move(effect.reply), {}};
  if (effect.error) {
    heard.error.emplace(Errc::kMalformed, "the server acknowledges what it was not sent");
  }
  // Whoever is resumed may send, stop everything, or end who waits behind it.
  for (std::size_t i = 0; i < effect.forgotten && !queue_.empty(); ++i) {
    Waiting* const who = queue_.front();
    queue_.pop_front();
    finish(who, {});
  }
  return heard;
}

void Acknowledgements::finish(Waiting* who, Result<> outcome) {
  if (!who) return;
  who->all_ = nullptr;
  who->loop_.cancel(std::exchange(who->timer_, 0));
  who->outcome.set(std::move(outcome));  // may end the frame that `who` lives in
}

void Acknowledgements::forget(Waiting* who) {
  std::ranges::replace(queue_, who, static_cast<Waiting*>(nullptr));
}

}  // namespace balcony::client
