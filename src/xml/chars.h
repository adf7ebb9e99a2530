// Characters of XML 1.0 (fifth edition) and UTF-8 (RFC 3629): classes, and loops that skip what is
// plain. Used by the splitter's lexer, the parser and the writer. Pure functions, any thread.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace balcony::xml::chars {

// Bits of the class of one byte.
inline constexpr std::uint8_t kNameStart = 1;     // ASCII NameStartChar but the colon
inline constexpr std::uint8_t kNameChar = 2;      // ASCII NameChar but the colon
inline constexpr std::uint8_t kSpace = 4;         // S: space, tab, line feed, carriage return
inline constexpr std::uint8_t kTextStop = 8;      // not plain when character data is read
inline constexpr std::uint8_t kValueStop = 16;    // not plain when an attribute value is read
inline constexpr std::uint8_t kTextEscape = 32;   // not plain when character data is written
inline constexpr std::uint8_t kValueEscape = 64;  // not plain when an attribute value is written

constexpr std::uint8_t class_of(unsigned c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  const bool digit = c >= '0' && c <= '9';
  const bool odd = c < 0x20 || c >= 0x80;
  const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
  const bool quote = c == '\'' || c == '"';
  unsigned bits = letter ? kNameStart | kNameChar : 0U;
  if (digit || c == '-' || c == '.') bits |= kNameChar;
  if (space) bits |= kSpace;
  if (odd || c == '<' || c == '&' || c == ']') bits |= kTextStop;
  if (odd || c == '<' || c == '&' || quote) bits |= kValueStop;
  if (odd || c == '<' || c == '&' || c == '>') bits |= kTextEscape;
  if (odd || c == '<' || c == '&' || quote) bits |= kValueEscape;
  return static_cast<std::uint8_t>(bits);
}

inline constexpr auto kClass = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = class_of(c);
  return table;
}();

inline std::uint8_t byte(char c) {
  return static_cast<std::uint8_t>(c);
}
inline bool is(char c, std::uint8_t bits) {
  return (kClass[byte(c)] & bits) != 0;
}
inline bool is_high(char c) {
  return byte(c) >= 0x80;
}

// The first byte from `p` on that is a control character, no ASCII, or one of `stops`; or `end`.
// `kBits` is the class that says the same, for the last few bytes.
template <std::uint8_t kBits, char... stops>
inline const char* skip(const char* p, const char* end) {
#if defined(__SSE2__)
  const char* const begin = p;
  while (end - begin >= 16 && p != end) {
    if (end - p < 16) p = end - 16;  // some once more: cheaper than one by one
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Signed: bytes from 0x80 on are negative, so one comparison finds them and the controls.
    __m128i found = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(stops)))), ...);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask != 0) return p + std::countr_zero(mask);
    p += 16;
  }
#endif
  while (p != end && !is(*p, kBits)) ++p;
  return p;
}

inline const char* skip_text(const char* p, const char* end) {
  return skip<kTextStop, '<', '&', ']'>(p, end);
}
inline const char* skip_value(const char* p, const char* end) {
  return skip<kValueStop, '<', '&', '\'', '"'>(p, end);
}
inline const char* skip_unescaped_text(const char* p, const char* end) {
  return skip<kTextEscape, '<', '&', '>'>(p, end);
}
inline const char* skip_unescaped_value(const char* p, const char* end) {
  return skip<kValueEscape, '<', '&', '\'', '"'>(p, end);
}

// Skips whole characters outside of ASCII that XML allows. Stops at ASCII, at `end`, and at a byte
// where there is no such character or where `end` cuts it.
const char* skip_high(const char* p, const char* end);

// One character outside of ASCII, byte by byte: it knows at each byte whether the sequence can
// still become a character (RFC 3629 §4).
struct Utf8 {
  char32_t code = 0;
  std::uint8_t left = 0;                 // continuation bytes to come; 0: the character is complete
  std::uint8_t low = 0x80, high = 0xBF;  // what the next one may be

  // Starts with the first byte, from 0x80 on. False: no character starts so.
  bool begin(std::uint8_t first);
  // Takes the next byte while `left` is not 0. False: it cannot stand there.
  bool next(std::uint8_t c) {
    if (c < low || c > high) return false;
    code = (code << 6) | (c & 0x3FU);
    low = 0x80;
    high = 0xBF;
    --left;
    return true;
  }
};

// Whether a byte can begin a character (and a character can begin with it).
inline bool can_begin(std::uint8_t c) {
  return c < 0x80 || (c >= 0xC2 && c <= 0xF4);
}

// XML 1.0 §2.2 production 2, Char.
constexpr bool is_char(char32_t c) {
  return c >= 0x20 ? c < 0xD800 || (c > 0xDFFF && c != 0xFFFE && c != 0xFFFF && c <= 0x10FFFF)
                   : c == '\t' || c == '\n' || c == '\r';
}
// XML 1.0 §2.3 productions 4 and 4a outside of ASCII. Namespaces in XML takes the colon out.
bool is_high_name_start(char32_t c);
bool is_high_name_char(char32_t c);

// Writes a code point as UTF-8 to `out`, which has room for 4 bytes. Returns the end.
char* encode(char* out, char32_t c);

}  // namespace balcony::xml::chars
