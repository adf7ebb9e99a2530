// What an end of a stream accepts, as it tells the other (XEP-0478). Plain values; any thread.
#pragma once

#include <balcony/element.h>

#include <cstdint>

namespace balcony::stream {

struct StreamLimits {
  std::uint64_t bytes_max = 0;     // of one element; 0: not told
  std::uint64_t idle_seconds = 0;  // 0: not told
};

// Adds <limits/> to features (§3), or to <bidi/> (§4); nothing where nothing is to be told.
void append_limits(xml::ElementRef parent, const StreamLimits& limits);

// What <limits/> in `parent` says; what is no number counts as not told.
StreamLimits read_limits(xml::ElementView parent);

}  // namespace balcony::stream
