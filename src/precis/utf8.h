// UTF-8 to code points and back, strict (RFC 3629): no surrogates, no overlong forms, nothing above
// U+10FFFF. Used by the profiles and by whoever must look at single code points. Pure functions;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace balcony {

// The code points of `text`, or nothing when it is not UTF-8.
std::optional<std::u32string> decode_utf8(std::string_view text);

// Whether `text` is UTF-8. Does not allocate.
bool is_utf8(std::string_view text) noexcept;

// Whether every byte is below 0x80.
bool is_ascii(std::string_view text) noexcept;

std::string encode_utf8(std::u32string_view text);
void append_utf8(std::string& out, char32_t code_point);

}  // namespace balcony
