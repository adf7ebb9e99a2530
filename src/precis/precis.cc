#include "precis/precis.h"

#include "base/ascii.h"
#include "precis/code_points.h"
#include "precis/context.h"
#include "precis/mapping.h"
#include "precis/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace balcony::precis {
namespace {

enum class StringClass : std::uint8_t { kIdentifier, kFreeform };
enum class Width : std::uint8_t { kKeep, kMap };
enum class Spaces : std::uint8_t { kKeep, kMap, kMapAndTrim };
enum class Case : std::uint8_t { kKeep, kMap };
enum class Direction : std::uint8_t { kAny, kBidiRule };

// A profile is a choice for each rule of RFC 8264 §5.2.
struct Profile {
  StringClass string_class;
  Width width;
  Spaces spaces;
  Case letter_case;
  Form form;
  Direction direction;
};

constexpr Profile kUsernameCaseMapped{
    StringClass::kIdentifier, Width::kMap, Spaces::kKeep, Case::kMap, Form::kNfc,
    Direction::kBidiRule};
constexpr Profile kUsernameCasePreserved{
    StringClass::kIdentifier, Width::kMap, Spaces::kKeep, Case::kKeep, Form::kNfc,
    Direction::kBidiRule};
constexpr Profile kOpaqueString{
    StringClass::kFreeform, Width::kKeep, Spaces::kMap, Case::kKeep, Form::kNfc, Direction::kAny};
constexpr Profile kNickname{
    StringClass::kFreeform, Width::kKeep, Spaces::kMapAndTrim, Case::kKeep, Form::kNfkc,
    Direction::kAny};
constexpr Profile kNicknameKey{
    StringClass::kFreeform, Width::kKeep, Spaces::kMapAndTrim, Case::kMap, Form::kNfkc,
    Direction::kAny};

// RFC 8265 §3.3.2 and its like: which code points may be there at all. Context is looked at later,
// when case is mapped.
Result<> check_code_points(std::u32string_view text, StringClass string_class) {
  for (const char32_t c : text) {
    switch (property(c)) {
      case Property::kValid:
      case Property::kContextJ:
      case Property::kContextO: break;
      case Property::kFreeform:
        if (string_class == StringClass::kFreeform) break;
        return fail(Errc::kPrecisForbidden,
                    "a space, symbol or compatibility character may not stand in a name");
      case Property::kUnassigned:
        return fail(Errc::kPrecisForbidden, "a code point is not assigned in Unicode");
      case Property::kDisallowed:
        return fail(Errc::kPrecisForbidden, "a control or ignorable character is not allowed");
    }
  }
  return {};
}

// One application of the rules, in the order of RFC 8264 §7. The class is checked where RFC 8265
// §3.3.2 and §4.2.1 say: before all but the width mapping. What the later rules make of the text is
// checked by the next application.
Result<std::u32string> apply(const Profile& profile, std::u32string text) {
  if (profile.width == Width::kMap) map_width(text);
  BALCONY_CHECK(check_code_points(text, profile.string_class));
  if (profile.spaces != Spaces::kKeep) map_spaces(text);
  if (profile.spaces == Spaces::kMapAndTrim) trim_spaces(text);
  if (profile.letter_case == Case::kMap) map_case(text);
  normalise(text, profile.form);
  if (profile.direction == Direction::kBidiRule && !satisfies_bidi_rule(text)) {
    return fail(Errc::kPrecisForbidden, "the directions of its letters break the Bidi Rule");
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!context_allows(text, at)) {
      return fail(Errc::kPrecisForbidden, "a character may not stand beside its neighbours");
    }
  }
  if (text.empty()) return fail(Errc::kPrecisEmpty, "nothing is left of the text");
  return text;
}

Result<std::string> enforce(const Profile& profile, std::string_view text) {
  std::optional<std::u32string> code_points = decode_utf8(text);
  if (!code_points) return fail(Errc::kPrecisForbidden, "the text is not UTF-8");
  BALCONY_ASSIGN(std::u32string last, apply(profile, *std::move(code_points)));
  // RFC 8264 §7: some texts need more than one round; those that need more than four are refused.
  constexpr int kMoreRoundsMax = 3;
  for (int round = 0; round < kMoreRoundsMax; ++round) {
    BALCONY_ASSIGN(std::u32string again, apply(profile, last));
    if (again == last) {
      std::string stable = encode_utf8(last);
      if (stable.size() <= kInputBytesMax) return stable;
      // Compatibility mapping can make a text many times as long.
      return fail(Errc::kPrecisTooLong, "the text is too long");
    }
    last = std::move(again);
  }
  return fail(Errc::kPrecisForbidden, "the text does not become stable");
}

Result<> check_size(std::string_view text) {
  if (text.empty()) return fail(Errc::kPrecisEmpty, "the text is empty");
  if (text.size() > kInputBytesMax) return fail(Errc::kPrecisTooLong, "the text is too long");
  return {};
}

bool all_between(char low, std::string_view text, char high) {
  return std::ranges::all_of(text, [=](char c) { return low <= c && c <= high; });
}

Result<std::string> username(const Profile& profile, std::string_view text) {
  BALCONY_CHECK(check_size(text));
  if (!all_between('!', text, '~')) return enforce(profile, text);
  std::string name(text);
  if (profile.letter_case == Case::kMap) name = ascii_lower(name);
  return name;
}

}  // namespace

Result<std::string> username_case_mapped(std::string_view text) {
  return username(kUsernameCaseMapped, text);
}

Result<std::string> username_case_preserved(std::string_view text) {
  return username(kUsernameCasePreserved, text);
}

Result<std::string> opaque_string(std::string_view text) {
  BALCONY_CHECK(check_size(text));
  if (all_between(' ', text, '~')) return std::string(text);
  return enforce(kOpaqueString, text);
}

Result<std::string> nickname(std::string_view text) {
  BALCONY_CHECK(check_size(text));
  if (all_between('!', text, '~')) return std::string(text);
  return enforce(kNickname, text);
}

Result<std::string> nickname_key(std::string_view text) {
  BALCONY_CHECK(check_size(text));
  return enforce(kNicknameKey, text);
}

}  // namespace balcony::precis
