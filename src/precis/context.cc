#include "precis/context.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <cstdint>

namespace balcony::precis {
namespace {

constexpr int kCanonicalCombiningClassVirama = 9;

bool between(char32_t low, char32_t c, char32_t high) {
  return low <= c && c <= high;
}

UScriptCode script(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &status);
}

int joining_type(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_JOINING_TYPE);
}

bool after_virama(std::u32string_view text, std::size_t at) {
  return at > 0 &&
         u_getCombiningClass(static_cast<UChar32>(text[at - 1])) == kCanonicalCombiningClassVirama;
}

// RFC 5892 §A.1: (L or D) T* ZWNJ T* (R or D), by joining types.
bool joins_both_sides(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && joining_type(text[before - 1]) == U_JT_TRANSPARENT) --before;
  if (before == 0) return false;
  std::size_t after = at + 1;
  while (after < text.size() && joining_type(text[after]) == U_JT_TRANSPARENT) ++after;
  if (after == text.size()) return false;
  const int left = joining_type(text[before - 1]);
  const int right = joining_type(text[after]);
  return (left == U_JT_LEFT_JOINING || left == U_JT_DUAL_JOINING) &&
         (right == U_JT_RIGHT_JOINING || right == U_JT_DUAL_JOINING);
}

bool has_japanese_letter(std::u32string_view text) {
  return std::ranges::any_of(text, [](char32_t c) {
    const UScriptCode code = script(c);
    return code == USCRIPT_HIRAGANA || code == USCRIPT_KATAKANA || code == USCRIPT_HAN;
  });
}

// The bidirectional classes, as sets of bits.
constexpr std::uint32_t bit(UCharDirection direction) {
  return std::uint32_t{1} << static_cast<unsigned>(direction);
}
constexpr std::uint32_t kRightToLeft = bit(U_RIGHT_TO_LEFT) | bit(U_RIGHT_TO_LEFT_ARABIC);
constexpr std::uint32_t kNeutral = bit(U_EUROPEAN_NUMBER) | bit(U_EUROPEAN_NUMBER_SEPARATOR) |
                                   bit(U_COMMON_NUMBER_SEPARATOR) |
                                   bit(U_EUROPEAN_NUMBER_TERMINATOR) | bit(U_OTHER_NEUTRAL) |
                                   bit(U_BOUNDARY_NEUTRAL) | bit(U_DIR_NON_SPACING_MARK);

std::uint32_t direction(char32_t c) {
  return bit(u_charDirection(static_cast<UChar32>(c)));
}

}  // namespace

bool context_allows(std::u32string_view text, std::size_t at) {
  const char32_t c = text[at];
  const char32_t before = at > 0 ? text[at - 1] : 0;
  const char32_t after = at + 1 < text.size() ? text[at + 1] : 0;
  switch (c) {
    case 0x200C: return after_virama(text, at) || joins_both_sides(text, at);  // §A.1: ZWNJ
    case 0x200D: return after_virama(text, at);                                // §A.2: ZWJ
    case 0x00B7: return before == U'l' && after == U'l';                       // §A.3
    case 0x0375: return after != 0 && script(after) == USCRIPT_GREEK;          // §A.4
    case 0x05F3:
    case 0x05F4: return before != 0 && script(before) == USCRIPT_HEBREW;  // §A.5, 6
    case 0x30FB: return has_japanese_letter(text);                        // §A.7
    default: break;
  }
  // §A.8, §A.9: the two kinds of Arabic digits do not mix.
  const auto holds = [&](char32_t low, char32_t high) {
    return std::ranges::any_of(text, [=](char32_t x) { return between(low, x, high); });
  };
  if (between(0x0660, c, 0x0669)) return !holds(0x06F0, 0x06F9);
  if (between(0x06F0, c, 0x06F9)) return !holds(0x0660, 0x0669);
  return true;
}

bool satisfies_bidi_rule(std::u32string_view text) {
  std::uint32_t all = 0;
  for (const char32_t c : text) all |= direction(c);
  if ((all & (kRightToLeft | bit(U_ARABIC_NUMBER))) == 0) return true;

  // The last code point that is no nonspacing mark, for conditions 3 and 6.
  std::size_t end = text.size();
  while (end > 0 && direction(text[end - 1]) == bit(U_DIR_NON_SPACING_MARK)) --end;
  if (end == 0) return false;
  const std::uint32_t first = direction(text.front());
  const std::uint32_t last = direction(text[end - 1]);

  if (first & kRightToLeft) {  // RFC 5893 §2, conditions 1 to 4
    const std::uint32_t allowed = kRightToLeft | bit(U_ARABIC_NUMBER) | kNeutral;
    const std::uint32_t numbers = bit(U_EUROPEAN_NUMBER) | bit(U_ARABIC_NUMBER);
    return (all & ~allowed) == 0 && (last & (kRightToLeft | numbers)) != 0 &&
           (all & numbers) != numbers;
  }
  // Conditions 1, 5 and 6. A left-to-right string that holds a right-to-left code point fails 5,
  // and one that starts with anything else fails 1.
  return false;
}

}  // namespace balcony::precis
