// Character references of HTML: &amp; &#233; &#xe9;. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// `text` begins with '&'. Appends what the reference there means to `out`, or the '&' itself where
// it is none that is known, and returns how many bytes of `text` that was.
std::size_t decode_entity(std::string_view text, std::string& out);

}  // namespace balcony::gateway::mail
