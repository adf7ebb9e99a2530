#include "stream/stream_limits.h"

#include "stanza/ns.h"

#include <charconv>
#include <string>

namespace balcony::stream {
namespace {

// What is no number is not told.
std::uint64_t read_number(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end ? value : 0;
}

}  // namespace

void append_limits(xml::ElementRef parent, const StreamLimits& limits) {
  if (limits.bytes_max == 0 && limits.idle_seconds == 0) return;
  xml::ElementRef element = parent.append(ns::kStreamLimits, "limits");
  if (limits.bytes_max != 0) {
    element.append_text_element("max-bytes", std::to_string(limits.bytes_max));
  }
  if (limits.idle_seconds != 0) {
    element.append_text_element("idle-seconds", std::to_string(limits.idle_seconds));
  }
}

StreamLimits read_limits(xml::ElementView parent) {
  const xml::ElementView element = parent.child(ns::kStreamLimits, "limits");
  return {read_number(element.child_text(ns::kStreamLimits, "max-bytes")),
          read_number(element.child_text(ns::kStreamLimits, "idle-seconds"))};
}

}  // namespace balcony::stream
