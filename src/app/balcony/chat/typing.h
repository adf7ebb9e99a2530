// When to tell the other side that one is typing (XEP-0085 §5). Pure; time is handed in.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace balcony::cli::chat {

class TypingNotices {
 public:
  using Time = std::chrono::milliseconds;
  static constexpr Time kPausedAfter{5000};

  // The line changed; `empty`: nothing is left of it. Returns the state to send, if any.
  std::optional<std::string_view> on_input(bool empty, Time now) {
    last_ = now;
    const bool was_composing = composing_;
    composing_ = !empty;
    if (composing_ && !was_composing) return "composing";
    if (!composing_ && (was_composing || told_)) return told("active", false);
    return std::nullopt;
  }
  // Time passes.
  std::optional<std::string_view> on_tick(Time now) {
    if (!composing_ || now - last_ < kPausedAfter) return std::nullopt;
    composing_ = false;
    return told("paused", true);
  }
  // The message was sent (its <active/> says the rest), or the conversation was left.
  void reset() noexcept { composing_ = told_ = false; }

 private:
  std::optional<std::string_view> told(std::string_view state, bool rests) {
    told_ = rests;
    return state;
  }
  bool composing_ = false;
  bool told_ = false;  // that we paused; emptying the line is then still news
  Time last_{0};
};

}  // namespace balcony::cli::chat
