#include "precis/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace balcony {
namespace {

constexpr char32_t kBad = 0xFFFF'FFFF;

// How the bytes of one code point look: how many follow, the payload of the first, and the least
// code point that may be written so (RFC 3629 §3).
struct Lead {
  int trailing;
  char32_t payload;
  char32_t least;
};

Lead lead_of(std::uint8_t byte) {
  if (byte >= 0xC2 && byte < 0xE0) return {1, byte & 0x1FU, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {2, byte & 0x0FU, 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {3, byte & 0x07U, 0x10000};
  return {-1, 0, 0};
}

// Reads the code point at `at` and moves behind it; kBad when there is none.
char32_t next(std::string_view text, std::size_t& at) {
  const auto first = static_cast<std::uint8_t>(text[at++]);
  if (first < 0x80) return first;
  const Lead lead = lead_of(first);
  if (lead.trailing < 0) return kBad;
  char32_t code_point = lead.payload;
  for (int i = 0; i < lead.trailing; ++i, ++at) {
    if (at == text.size()) return kBad;
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if ((byte & 0xC0U) != 0x80) return kBad;
    code_point = (code_point << 6U) | (byte & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < lead.least || code_point > 0x10FFFF || surrogate) return kBad;
  return code_point;
}

}  // namespace

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string code_points;
  code_points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code_point = next(text, at);
    if (code_point == kBad) return std::nullopt;
    code_points.push_back(code_point);
  }
  return code_points;
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    if (next(text, at) == kBad) return false;
  }
  return true;
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t code_point : text) append_utf8(out, code_point);
  return out;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto tail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6U)));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12U)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (code_point >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace balcony
