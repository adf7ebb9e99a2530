#include "stream/stream_management.h"

#include "stanza/ns.h"
#include "stream/actions.h"

#include <utility>

namespace balcony::stream {
void StreamManagement::start_sending() noexcept {
  sending_ = true;
  acknowledged_ = 0;
  queue_.clear();
  queue_bytes_ = 0;
}

void StreamManagement::start_receiving() noexcept {
  receiving_ = true;
  received_ = 0;
}

void StreamManagement::continue_from(StanzaCount received, StanzaCount acknowledged) noexcept {
  start_sending();
  start_receiving();
  received_ = received;
  acknowledged_ = acknowledged;
}

Result<> StreamManagement::sent(Kept stanza) {
  if (!sending_) return {};
  queue_bytes_ += stanza.text.size();
  queue_.push_back(std::move(stanza));
  if (queue_.size() > limits_.stanzas_max || queue_bytes_ > limits_.bytes_max) {
    return fail(Errc::kOverloaded, "the peer acknowledges too little");
  }
  return {};
}

Result<std::size_t> StreamManagement::acknowledged(StanzaCount h) {
  // XEP-0198 §4: modulo 2^32; the queue is far shorter, so the difference is unambiguous.
  const StanzaCount fresh = h - acknowledged_;
  if (fresh > queue_.size()) {
    return fail(Errc::kPolicyViolation, "the peer acknowledges stanzas that it was not sent");
  }
  for (StanzaCount i = 0; i < fresh; ++i) {
    queue_bytes_ -= queue_.front().text.size();
    if (queue_.front().receipt) queue_.front().receipt->delivered();
    queue_.pop_front();
  }
  acknowledged_ = h;
  return fresh;
}

StreamManagement::Effect StreamManagement::on_element(xml::ElementView element) {
  Effect effect;
  if (element.is(ns::kStreamManagement, "r") && receiving_) {
    effect.reply = answer();
    return effect;
  }
  if (!element.is(ns::kStreamManagement, "a") || !sending_) {
    const std::string_view name = element.name();
    // Two that answer each other's <failed/> would never end.
    if (name == "failed" || name == "enabled" || name == "resumed") return effect;
    effect.reply = written(write_failed(Errc::kUnexpectedRequest));
    return effect;
  }
  const auto h = read_h(element);
  if (!h) {
    effect.error = StreamError{StreamCondition::kBadFormat, h.error().detail};
    effect.reply = written(write_stream_error(*effect.error));
    return effect;
  }
  const auto forgotten = acknowledged(*h);
  if (!forgotten) {
    const auto sent = static_cast<StanzaCount>(acknowledged_ + queue_.size());
    effect.error = StreamError{StreamCondition::kUndefinedCondition, forgotten.error().detail};
    effect.reply = written(write_handled_count_too_high(*h, sent));
    return effect;
  }
  effect.forgotten = *forgotten;
  return effect;
}

Result<std::string> StreamManagement::resume(StanzaCount h) {
  BALCONY_CHECK(acknowledged(h));
  std::string again;
  again.reserve(queue_bytes_);
  for (const Kept& stanza : queue_) again += stanza.text;
  return again;
}

std::deque<Kept> StreamManagement::take_unacknowledged() {
  queue_bytes_ = 0;
  sending_ = false;
  return std::exchange(queue_, {});
}

std::string StreamManagement::ask() {
  return written(xml::Element(ns::kStreamManagement, "r"));
}

std::string StreamManagement::answer() const {
  xml::Element element(ns::kStreamManagement, "a");
  element.set("h", std::to_string(received_));
  return written(element);
}

}  // namespace balcony::stream
