#include "precis/context.h"

#include "precis/precis.h"
#include "precis/utf8.h"

#include <gtest/gtest.h>

namespace balcony::precis {
namespace {

// Each rule of RFC 5892 appendix A with examples that satisfy it and examples that do not.
struct Example {
  std::string_view rule;
  std::u32string_view text;
  bool good;
};

constexpr Example kExamples[] = {
    {"A.1 after a virama", U"\u0915\u094D\u200C\u0937", true},
    {"A.1 between joining letters", U"\u0646\u0627\u0645\u0647\u200C\u0627\u06CC", true},
    {"A.1 with transparent marks between", U"\u0628\u064E\u200C\u064E\u0627", true},
    {"A.1 after a letter that joins only to the right", U"\u0627\u200C\u0628", false},
    {"A.1 before a letter that does not join", U"\u0628\u200Ca", false},
    {"A.1 at the start", U"\u200C\u0628", false},
    {"A.1 at the end", U"\u0628\u200C", false},
    {"A.1 alone", U"\u200C", false},
    {"A.1 between Latin letters", U"a\u200Cb", false},
    {"A.2 after a virama", U"\u0DC1\u0DCA\u200D\u0DBB\u0DD3", true},
    {"A.2 after a letter", U"\u0628\u200D\u0628", false},
    {"A.2 at the start", U"\u200D\u0628", false},
    {"A.3 between two l", U"col\u00B7lecci\u00F3", true},
    {"A.3 one l", U"al\u00B7a", false},
    {"A.3 at the start", U"\u00B7l", false},
    {"A.3 at the end", U"l\u00B7", false},
    {"A.4 before Greek", U"\u0375\u03B2", true},
    {"A.4 before Latin", U"\u0375b", false},
    {"A.4 at the end", U"\u03B2\u0375", false},
    {"A.5 after Hebrew", U"\u05D2\u05F3", true},
    {"A.5 after Latin", U"a\u05F3", false},
    {"A.5 at the start", U"\u05F3\u05D2", false},
    {"A.6 after Hebrew", U"\u05E6\u05D4\u05F4\u05DC", true},
    {"A.6 after Latin", U"a\u05F4", false},
    {"A.6 at the start", U"\u05F4\u05D2", false},
    {"A.7 with Katakana", U"\u30A2\u30FB", true},
    {"A.7 with Hiragana", U"a\u30FB\u3042", true},
    {"A.7 with Han", U"\u30FB\u4E00", true},
    {"A.7 with Latin only", U"a\u30FBb", false},
    {"A.7 alone", U"\u30FB", false},
    {"A.8 Arabic-Indic digits alone", U"\u0660\u0669", true},
    {"A.8 mixed with extended ones", U"\u0660\u06F0", false},
    {"A.9 extended Arabic-Indic digits alone", U"\u06F0\u06F9", true},
    {"A.9 mixed with the others", U"\u06F9\u0661", false},
};

bool context_allows_all(std::u32string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!context_allows(text, at)) return false;
  }
  return true;
}

TEST(Context, RulesOfRfc5892AppendixA) {
  for (const Example& example : kExamples) {
    EXPECT_EQ(context_allows_all(example.text), example.good) << example.rule;
  }
}

TEST(Context, BothClassesApplyTheRules) {
  for (const Example& example : kExamples) {
    const std::string text = encode_utf8(example.text);
    EXPECT_EQ(opaque_string(text).has_value(), example.good) << example.rule;
    if (!example.good) {
      EXPECT_FALSE(username_case_mapped(text)) << example.rule;
    }
  }
}

struct BidiExample {
  std::string_view why;
  std::u32string_view text;
  bool good;
};

// RFC 5893 §2. \u05D0 is R, \u0628 AL, \u0661 AN, 1 EN, \u0301 NSM.
TEST(Bidi, EachConditionOfTheRule) {
  constexpr BidiExample kBidi[] = {
      {"no right-to-left letter: the rule does not apply", U"1-abc!", true},
      {"Hebrew", U"\u05D0\u05D1", true},
      {"Arabic", U"\u0628\u0627", true},
      {"1: starts with a digit", U"1\u05D0", false},
      {"1: starts with an Arabic number", U"\u0661\u0628", false},
      {"1: starts with a neutral", U"!\u05D0", false},
      {"1: starts with a mark", U"\u0301\u05D0", false},
      {"2: left-to-right letter inside", U"\u05D0a\u05D1", false},
      {"3: ends with a European number", U"\u05D01", true},
      {"3: ends with an Arabic number", U"\u0628\u0661", true},
      {"3: ends with marks after a letter", U"\u05D0\u05B8\u05B0", true},
      {"3: ends with a neutral", U"\u05D0!", false},
      {"3: ends with a neutral and a mark", U"\u05D0!\u0301", false},
      {"3: neutral inside", U"\u05D0-\u05D1", true},
      {"4: both kinds of numbers", U"\u06281\u0661", false},
      {"5: left-to-right with a right-to-left letter", U"a\u05D0", false},
      {"5: left-to-right with an Arabic number", U"a\u0661", false},
      {"5: the same, ending left-to-right", U"a\u05D0b", false},
  };
  for (const BidiExample& example : kBidi) {
    EXPECT_EQ(satisfies_bidi_rule(example.text), example.good) << example.why;
    if (!example.good) {
      EXPECT_FALSE(username_case_mapped(encode_utf8(example.text))) << example.why;
    }
  }
}

TEST(Bidi, DoesNotConcernPasswordsAndNicknames) {
  const std::string mixed = encode_utf8(U"a\u05D0");
  EXPECT_TRUE(opaque_string(mixed));
  EXPECT_TRUE(nickname(mixed));
}

}  // namespace
}  // namespace balcony::precis
