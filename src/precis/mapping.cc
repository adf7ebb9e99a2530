#include "precis/mapping.h"

#include "base/assert.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace balcony::precis {
namespace {

const icu::Normalizer2& normaliser(Form form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* found = form == Form::kNfc ? icu::Normalizer2::getNFCInstance(status)
                                                     : icu::Normalizer2::getNFKCInstance(status);
  BALCONY_ASSERT(U_SUCCESS(status), "ICU has no normalisation data");
  return *found;
}

char32_t narrow(char32_t c) {
  const int type = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_DECOMPOSITION_TYPE);
  if (type != U_DT_WIDE && type != U_DT_NARROW) return c;
  icu::UnicodeString to;
  normaliser(Form::kNfkc).getRawDecomposition(static_cast<UChar32>(c), to);
  return static_cast<char32_t>(to.char32At(0));
}

bool is_space(char32_t c) {
  return u_charType(static_cast<UChar32>(c)) == U_SPACE_SEPARATOR;
}

}  // namespace

void map_width(std::u32string& text) {
  for (char32_t& c : text) {
    if (c >= 0x80) c = narrow(c);
  }
}

void map_spaces(std::u32string& text) {
  std::ranges::replace_if(text, is_space, U' ');
}

void trim_spaces(std::u32string& text) {
  std::u32string trimmed;
  for (const char32_t c : text) {
    if (c == U' ' && (trimmed.empty() || trimmed.back() == U' ')) continue;
    trimmed.push_back(c);
  }
  if (!trimmed.empty() && trimmed.back() == U' ') trimmed.pop_back();
  text = std::move(trimmed);
}

void map_case(std::u32string& text) {
  constexpr char32_t kCapitalIWithDot = 0x0130;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != kCapitalIWithDot) {
      text[at] = static_cast<char32_t>(u_tolower(static_cast<UChar32>(text[at])));
      continue;
    }
    // The one code point whose lower case is two in every language (Unicode's SpecialCasing).
    text[at] = U'i';
    text.insert(++at, 1, U'\x0307');
  }
}

void normalise(std::u32string& text, Form form) {
  const auto from = icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                                  static_cast<std::int32_t>(text.size()));
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2& how = normaliser(form);
  if (how.isNormalized(from, status)) return;
  const icu::UnicodeString to = how.normalize(from, status);
  BALCONY_ASSERT(U_SUCCESS(status), "ICU could not normalise");
  text.clear();
  for (std::int32_t at = 0; at < to.length(); at = to.moveIndex32(at, 1)) {
    text.push_back(static_cast<char32_t>(to.char32At(at)));
  }
}

}  // namespace balcony::precis
