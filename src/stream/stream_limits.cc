#include "stream/stream_limits.h"

#include "base/number.h"
#include "stanza/ns.h"

#include <string>

namespace balcony::stream {
namespace {

// What is no number is not told.
std::uint64_t limit(const std::string& text) {
  return read_number<std::uint64_t>(text).value_or(0);
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
  return {limit(element.child_text(ns::kStreamLimits, "max-bytes")),
          limit(element.child_text(ns::kStreamLimits, "idle-seconds"))};
}

}  // namespace balcony::stream
