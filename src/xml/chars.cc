#include "xml/chars.h"

namespace balcony::xml::chars {
namespace {

bool continues(char c) {
  return (byte(c) & 0xC0) == 0x80;
}
unsigned low6(char c) {
  return byte(c) & 0x3FU;
}

struct Range {
  char32_t first, last;
};

// XML 1.0 §2.3 production 4, outside of ASCII.
constexpr Range kNameStartRanges[] = {{0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x2FF},
                                      {0x370, 0x37D},   {0x37F, 0x1FFF},  {0x200C, 0x200D},
                                      {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
                                      {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF}};

}  // namespace

const char* skip_high(const char* p, const char* end) {
  while (p != end) {
    const std::uint8_t first = byte(*p);
    const auto room = end - p;
    if (first >= 0xC2 && first <= 0xDF) {
      if (room < 2 || !continues(p[1])) break;
      p += 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
      if (room < 3 || !continues(p[1]) || !continues(p[2])) break;
      const char32_t code = ((first & 0x0FU) << 12) | (low6(p[1]) << 6) | low6(p[2]);
      if (code < 0x800 || !is_char(code)) break;
      p += 3;
    } else if (first >= 0xF0 && first <= 0xF4) {
      if (room < 4 || !continues(p[1]) || !continues(p[2]) || !continues(p[3])) break;
      const char32_t code =
          ((first & 0x07U) << 18) | (low6(p[1]) << 12) | (low6(p[2]) << 6) | low6(p[3]);
      if (code < 0x10000 || code > 0x10FFFF) break;
      p += 4;
    } else {
      break;
    }
  }
  return p;
}

// RFC 3629 §4: the second byte's range keeps out overlong forms, surrogates, what is too large.
bool Utf8::begin(std::uint8_t first) {
  low = 0x80;
  high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    left = 1;
    code = first & 0x1FU;
  } else if (first >= 0xE0 && first <= 0xEF) {
    left = 2;
    code = first & 0x0FU;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    left = 3;
    code = first & 0x07U;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    left = 0;
    return false;
  }
  return true;
}

bool is_high_name_start(char32_t c) {
  for (const Range& range : kNameStartRanges) {
    if (c <= range.last) return c >= range.first;
  }
  return false;
}

bool is_high_name_char(char32_t c) {
  return is_high_name_start(c) || c == 0xB7 || (c >= 0x300 && c <= 0x36F) ||
         (c >= 0x203F && c <= 0x2040);
}

char* encode(char* out, char32_t c) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
    return out;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::uint8_t kFirst[] = {0, 0xC0, 0xE0, 0xF0};
  *out++ = static_cast<char>(kFirst[more] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    *out++ = static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3F));
  }
  return out;
}

}  // namespace balcony::xml::chars
