#include "precis/precis.h"

#include "precis/mapping.h"
#include "precis/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unicode/locid.h>
#include <unicode/unistr.h>

namespace balcony::precis {
namespace {

struct Pair {
  std::string_view input;
  std::string_view output;
};

// RFC 8265 §3.5, table 1.
TEST(Username, ExamplesOfRfc8265Table1) {
  constexpr Pair kUsernames[] = {
      {"juliet@example.com", "juliet@example.com"},
      {"fussball", "fussball"},
      {"fu\u00DFball", "fu\u00DFball"},
      {"\u03C0", "\u03C0"},
      {"\u03A3", "\u03C3"},
      {"\u03C3", "\u03C3"},
      {"\u03C2", "\u03C2"},
  };
  for (const auto& [input, output] : kUsernames) {
    EXPECT_EQ(username_case_mapped(input).value(), output);
  }
  EXPECT_EQ(username_case_preserved("\u03A3").value(), "\u03A3");
  EXPECT_EQ(username_case_preserved("Juliet").value(), "Juliet");
}

// RFC 8265 §3.5, table 2.
TEST(Username, ExamplesOfRfc8265Table2) {
  for (const std::string_view bad : {"foo bar", "henry\u2163", "\u265A"}) {
    EXPECT_EQ(username_case_mapped(bad).error().code, Errc::kPrecisForbidden) << bad;
    EXPECT_EQ(username_case_preserved(bad).error().code, Errc::kPrecisForbidden) << bad;
  }
  EXPECT_EQ(username_case_mapped("").error().code, Errc::kPrecisEmpty);
  EXPECT_EQ(username_case_preserved("").error().code, Errc::kPrecisEmpty);
}

TEST(Username, MapsWidthCaseAndComposition) {
  constexpr Pair kPairs[] = {
      {"JULIET", "juliet"},  {"\uFF2A\uFF35\uFF2C\uFF29\uFF25\uFF34", "juliet"},  // fullwidth
      {"\uFF71", "\u30A2"},  // halfwidth katakana A
      {"A\u030A", "\u00E5"}, {"\u00C5", "\u00E5"},
      {"\u0130", "i\u0307"}, {"L\u00B7L", "l\u00B7l"},  // context is looked at when case is mapped
  };
  for (const auto& [input, output] : kPairs) {
    EXPECT_EQ(username_case_mapped(input).value(), output) << input;
  }
  EXPECT_EQ(username_case_preserved("\uFF2A\u0075").value(), "Ju");
  // RFC 8265 §3.3.2: the class is checked before case is mapped, so compatibility characters that
  // would lose themselves in lower case are refused.
  EXPECT_FALSE(username_case_mapped("\u212B"));
  EXPECT_FALSE(username_case_mapped("\u212A"));
  EXPECT_FALSE(username_case_mapped("\u3000"));
}

// RFC 8265 §4.3, table 3 and 4.
TEST(OpaqueString, ExamplesOfRfc8265Tables3And4) {
  constexpr Pair kPasswords[] = {
      {"correct horse battery staple", "correct horse battery staple"},
      {"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
      {"\u03C0\u00DF\u00E5", "\u03C0\u00DF\u00E5"},
      {"Jack of \u2666s", "Jack of \u2666s"},
      {"foo\u1680bar", "foo bar"},
  };
  for (const auto& [input, output] : kPasswords) {
    EXPECT_EQ(opaque_string(input).value(), output);
  }
  EXPECT_EQ(opaque_string("").error().code, Errc::kPrecisEmpty);
  EXPECT_EQ(opaque_string("my cat is a \u0009by").error().code, Errc::kPrecisForbidden);
}

TEST(OpaqueString, KeepsWidthAndSpacesAndComposes) {
  EXPECT_EQ(opaque_string("\uFF21").value(), "\uFF21");
  EXPECT_EQ(opaque_string("  a  ").value(), "  a  ");
  EXPECT_EQ(opaque_string("\u00A0\u3000").value(), "  ");
  EXPECT_EQ(opaque_string("A\u030A").value(), "\u00C5");
  EXPECT_EQ(opaque_string("\u1F600").value(), "\u1F600");
  for (const std::string_view bad : {"a\x7F", "a\u200B", "a\u2028", "\uE000", "\u0378"}) {
    EXPECT_EQ(opaque_string(bad).error().code, Errc::kPrecisForbidden) << bad;
  }
}

// RFC 8266 §3, table 1: a nickname and the key by which it is compared.
TEST(Nickname, ExamplesOfRfc8266Table1) {
  constexpr Pair kNicknames[] = {
      {"Foo", "foo"},           {"foo", "foo"},
      {"Foo Bar", "foo bar"},   {" Foo Bar ", "foo bar"},
      {"foo   bar", "foo bar"}, {"\u03A3", "\u03C3"},
      {"\u03C3", "\u03C3"},     {"\u03C2", "\u03C2"},
      {"\u265A", "\u265A"},     {"Richard \u2163", "richard iv"},
  };
  for (const auto& [input, key] : kNicknames) {
    EXPECT_EQ(nickname_key(input).value(), key);
  }
  EXPECT_EQ(nickname(" Foo \u00A0 Bar ").value(), "Foo Bar");
  EXPECT_EQ(nickname("Richard \u2163").value(), "Richard IV");
  EXPECT_EQ(nickname("   ").error().code, Errc::kPrecisEmpty);
  // U+00A8 becomes a space and a mark: RFC 8264 §7's repeated application.
  EXPECT_EQ(nickname("a \u00A8").value(), "a \u0308");
  EXPECT_EQ(nickname("\u00A8").value(), "\u0308");
}

TEST(Precis, RefusesWhatIsNotUtf8AndWhatIsTooLong) {
  for (const std::string_view bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "a\xe2\x82", "\xf4\x90\x80\x80", "\x80",
        "\xf8\x88\x80\x80\x80", "\xe0\x80\xaf"}) {
    EXPECT_EQ(username_case_mapped(bad).error().code, Errc::kPrecisForbidden);
    EXPECT_EQ(opaque_string(bad).error().code, Errc::kPrecisForbidden);
    EXPECT_EQ(nickname(bad).error().code, Errc::kPrecisForbidden);
  }
  EXPECT_TRUE(opaque_string(std::string(kInputBytesMax, 'a')));
  EXPECT_EQ(opaque_string(std::string(kInputBytesMax + 1, 'a')).error().code, Errc::kPrecisTooLong);
  std::string ligatures;  // each becomes 18 letters
  for (int i = 0; i < 1000; ++i) ligatures += "\uFDFA";
  EXPECT_EQ(nickname(ligatures).error().code, Errc::kPrecisTooLong);
  EXPECT_EQ(opaque_string(std::string("a\0b", 3)).error().code, Errc::kPrecisForbidden);
}

TEST(Precis, ErrorsDoNotTellThePassword) {
  const Error error = opaque_string("Sesame\u0009").error();
  EXPECT_THAT(error.detail, testing::Not(testing::HasSubstr("Sesame")));
  EXPECT_FALSE(error.detail.empty());
}

TEST(Mapping, LowerCaseIsThatOfUnicodeForEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::u32string ours(1, c);
    map_case(ours);
    icu::UnicodeString theirs(static_cast<UChar32>(c));
    std::string expected;
    theirs.toLower(icu::Locale::getRoot()).toUTF8String(expected);
    ASSERT_EQ(encode_utf8(ours), expected) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Utf8, RoundTripOfEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::u32string one(1, c);
    ASSERT_EQ(decode_utf8(encode_utf8(one)), one);
  }
}

using Profile = Result<std::string> (*)(std::string_view);
constexpr Profile kProfiles[] = {username_case_mapped, username_case_preserved, opaque_string,
                                 nickname, nickname_key};

// RFC 8264 §7: enforcement is idempotent, for every code point alone and beside others.
TEST(Precis, IdempotentForEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    for (const Profile profile : kProfiles) {
      const auto once = profile(encode_utf8(std::u32string{U'\x5D0', c, U'\x301'}));
      if (once) {
        ASSERT_EQ(profile(*once).value(), *once) << std::hex << static_cast<unsigned>(c);
      }
    }
  }
}

// Letters, marks and joiners of several scripts, so that the rules meet each other.
rc::Gen<std::u32string> some_text() {
  const auto code_point = rc::gen::oneOf(
      rc::gen::inRange<char32_t>(0x20, 0x7F), rc::gen::inRange<char32_t>(0xA0, 0x250),
      rc::gen::inRange<char32_t>(0x300, 0x700), rc::gen::inRange<char32_t>(0x900, 0xE00),
      rc::gen::inRange<char32_t>(0x1E00, 0x2200), rc::gen::inRange<char32_t>(0x3000, 0x3130),
      rc::gen::inRange<char32_t>(0xF900, 0xFFFF), rc::gen::inRange<char32_t>(0x10000, 0x1F700),
      rc::gen::element<char32_t>(0x200C, 0x200D, 0xB7, 'l', ' ', 0x5D0, 0x628, 0x94D));
  return rc::gen::container<std::u32string>(code_point);
}

RC_GTEST_PROP(Precis, IdempotentForAnyText, ()) {
  const std::string text = encode_utf8(*some_text());
  for (const Profile profile : kProfiles) {
    const auto once = profile(text);
    if (once) RC_ASSERT(profile(*once).value() == *once);
  }
}

RC_GTEST_PROP(Precis, AnyBytesGiveUtf8OrAnError, (const std::string& bytes)) {
  for (const Profile profile : kProfiles) {
    const auto result = profile(bytes);
    const bool good =
        result ? is_utf8(*result) && !result->empty() : !result.error().detail.empty();
    RC_ASSERT(good);
  }
}

}  // namespace
}  // namespace balcony::precis
