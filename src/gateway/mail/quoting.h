// A mail's text as a chat message: signatures cut, long quotations folded, controls taken out, the
// whole bounded. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// Lines of a quotation that are kept where it stands in the middle of a text; one at the end,
// behind all that was written, goes as a whole.
inline constexpr std::size_t kQuotedLinesKept = 3;

// `text` is UTF-8 with any ends of lines; what comes back has '\n', at most `bytes_max` bytes and a
// note about what was cut.
std::string chat_text(std::string_view text, std::size_t bytes_max);

// One line for a subject or a name: no controls, no white space at its ends, at most `bytes_max`
// bytes, never cut inside of a character.
std::string one_line(std::string_view text, std::size_t bytes_max);

// `text` cut to `bytes_max` bytes between two characters.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

// "Re: Re: AW: Balcony" is "Balcony".
std::string_view base_subject(std::string_view subject);

}  // namespace balcony::gateway::mail
