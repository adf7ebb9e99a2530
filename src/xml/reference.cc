#include "xml/reference.h"

#include "xml/chars.h"

#include <string_view>

namespace balcony::xml {
namespace {

constexpr std::uint32_t word(std::string_view letters) {
  std::uint32_t result = 0;
  for (const char c : letters) result = (result << 8) | static_cast<std::uint8_t>(c);
  return result;
}

struct Entity {
  std::uint32_t name;
  char32_t code;
};
// XML 1.0 §4.6.
constexpr Entity kEntities[] = {{word("lt"), '<'},
                                {word("gt"), '>'},
                                {word("amp"), '&'},
                                {word("apos"), '\''},
                                {word("quot"), '"'}};

bool begins_entity(std::uint32_t letters) {
  for (const Entity& entity : kEntities) {
    for (std::uint32_t name = entity.name; name != 0; name >>= 8) {
      if (name == letters) return true;
    }
  }
  return false;
}

int digit_of(char c, bool hex) {
  if (c >= '0' && c <= '9') return c - '0';
  if (!hex) return -1;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Reference::Step Reference::step(char c) {
  switch (form_) {
    case Form::kUnknown:
      if (c == '#') {
        form_ = Form::kHash;
        return Step::kMore;
      }
      if (!chars::is(c, chars::kNameStart) && c != ':' && !chars::is_high(c)) return Step::kBad;
      form_ = Form::kName;
      return name(c);
    case Form::kName: return name(c);
    case Form::kHash:
      if (c == 'x') {
        form_ = Form::kHex;
        return Step::kMore;
      }
      form_ = Form::kDecimal;
      return digit(c);
    case Form::kDecimal:
    case Form::kHex: return digit(c);
  }
  return Step::kBad;
}

Reference::Step Reference::digit(char c) {
  if (c == ';') {
    // XML 1.0 §4.1, "Legal Character": it must match Char.
    return has_digit_ && chars::is_char(value_) ? Step::kDone : Step::kBad;
  }
  const bool hex = form_ == Form::kHex;
  const int digit = digit_of(c, hex);
  if (digit < 0) return Step::kBad;
  has_digit_ = true;
  value_ = value_ * (hex ? 16 : 10) + static_cast<char32_t>(digit);
  return value_ <= 0x10FFFF ? Step::kMore : Step::kBad;
}

Reference::Step Reference::name(char c) {
  if (c == ';') {
    for (const Entity& entity : kEntities) {
      if (entity.name != word_) continue;
      value_ = entity.code;
      return Step::kDone;
    }
    return Step::kRestricted;
  }
  if (!chars::is(c, chars::kNameChar) && c != ':' && !chars::is_high(c)) return Step::kBad;
  if (word_ >> 24 != 0) return Step::kRestricted;
  word_ = (word_ << 8) | chars::byte(c);
  return begins_entity(word_) ? Step::kMore : Step::kRestricted;
}

}  // namespace balcony::xml
