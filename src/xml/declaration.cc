#include "xml/declaration.h"

#include "base/ascii.h"
#include "xml/chars.h"

#include <algorithm>
#include <string_view>

namespace balcony::xml {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kKeys[] = {"version", "encoding", "standalone"};

}  // namespace

Declaration::Step Declaration::step(char c) {
  const bool space = chars::is(c, chars::kSpace);
  switch (phase_) {
    case Phase::kTarget:
      if (index_ < 3) return c == "xml"sv[index_++] ? Step::kMore : Step::kRestricted;
      if (!space) return chars::is(c, chars::kNameChar) ? Step::kRestricted : Step::kBad;
      phase_ = Phase::kBetween;
      spaced_ = true;
      return Step::kMore;
    case Phase::kBetween: return between(c);
    case Phase::kKey:
      if (c != kKeys[key_][index_++]) return Step::kBad;
      if (index_ == kKeys[key_].size()) phase_ = Phase::kEquals;
      return Step::kMore;
    case Phase::kEquals:
      if (c == '=') phase_ = Phase::kQuote;
      return c == '=' || space ? Step::kMore : Step::kBad;
    case Phase::kQuote:
      if (space) return Step::kMore;
      if (c != '\'' && c != '"') return Step::kBad;
      quote_ = c;
      index_ = 0;
      phase_ = Phase::kValue;
      return Step::kMore;
    case Phase::kValue: return value(c);
    case Phase::kClose: return c == '>' ? Step::kDone : Step::kBad;
  }
  return Step::kBad;
}

Declaration::Step Declaration::between(char c) {
  if (chars::is(c, chars::kSpace)) {
    spaced_ = true;
    return Step::kMore;
  }
  if (c == '?' && keys_done_ > kVersion) {
    phase_ = Phase::kClose;
    return Step::kMore;
  }
  // XML 1.0 §2.8: the version first and always, then the encoding, then standalone.
  for (std::uint8_t key = keys_done_; spaced_ && key <= kStandalone; ++key) {
    if (c == kKeys[key][0]) {
      key_ = key;
      index_ = 1;
      phase_ = Phase::kKey;
      return Step::kMore;
    }
    if (key == kVersion) break;
  }
  return Step::kBad;
}

Declaration::Step Declaration::value(char c) {
  if (c == quote_) {
    const std::uint8_t needed = key_ == kVersion    ? 3
                                : key_ == kEncoding ? 5
                                : first_ == 'y'     ? 3
                                                    : 2;
    if (index_ < needed) return key_ == kEncoding ? Step::kBadEncoding : Step::kBad;
    keys_done_ = static_cast<std::uint8_t>(key_ + 1);
    spaced_ = false;
    phase_ = Phase::kBetween;
    return Step::kMore;
  }
  const std::uint8_t index = index_;
  index_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(index_ + 1), 100);
  if (index == 0) first_ = c;
  if (key_ == kVersion) {
    // XML 1.0 fifth edition §2.8: '1.' [0-9]+, all of them read as version 1.0.
    const bool right = index < 2 ? c == "1."sv[index] : c >= '0' && c <= '9';
    return right ? Step::kMore : Step::kBad;
  }
  if (key_ == kEncoding) {
    return index < 5 && ascii_lower(c) == "utf-8"sv[index] ? Step::kMore : Step::kBadEncoding;
  }
  const std::string_view word = first_ == 'y' ? "yes"sv : "no"sv;
  return index < word.size() && c == word[index] ? Step::kMore : Step::kBad;
}

}  // namespace balcony::xml
