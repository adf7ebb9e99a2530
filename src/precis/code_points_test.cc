#include "precis/code_points.h"

#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace balcony::precis {
namespace {

struct Sample {
  char32_t code_point;
  Property expected;
};

void expect_all(std::initializer_list<Sample> samples) {
  for (const Sample& sample : samples) {
    EXPECT_EQ(property(sample.code_point), sample.expected)
        << "U+" << std::hex << static_cast<unsigned>(sample.code_point);
  }
}

TEST(CodePoints, ExceptionsOfRfc8264Section96) {
  for (const char32_t c : {0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007}) {
    EXPECT_EQ(property(c), Property::kValid);
  }
  for (const char32_t c :
       {0x00B7, 0x0375, 0x05F3, 0x05F4, 0x30FB, 0x0660, 0x0665, 0x0669, 0x06F0, 0x06F4, 0x06F9}) {
    EXPECT_EQ(property(c), Property::kContextO);
  }
  for (const char32_t c : {0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3033, 0x3035, 0x303B}) {
    EXPECT_EQ(property(c), Property::kDisallowed);
  }
}

TEST(CodePoints, EachCategoryOfRfc8264Section9) {
  expect_all({
      {0x0021, Property::kValid},       // ASCII7 '!'
      {0x0026, Property::kValid},       // ASCII7 '&': only a localpart excludes it
      {0x007E, Property::kValid},       // ASCII7 '~'
      {0x0020, Property::kFreeform},    // Spaces
      {0x00A0, Property::kFreeform},    // Spaces, HasCompat
      {0x3000, Property::kFreeform},    // Spaces, HasCompat
      {0x0000, Property::kDisallowed},  // Controls
      {0x001F, Property::kDisallowed},
      {0x007F, Property::kDisallowed},
      {0x0085, Property::kDisallowed},
      {0x200C, Property::kContextJ},  // JoinControl
      {0x200D, Property::kContextJ},
      {0x1100, Property::kDisallowed},  // OldHangulJamo: leading
      {0x1161, Property::kDisallowed},  // vowel
      {0x11A8, Property::kDisallowed},  // trailing
      {0xA960, Property::kDisallowed},
      {0xD7B0, Property::kDisallowed},
      {0x00AD, Property::kDisallowed},  // PrecisIgnorableProperties: soft hyphen
      {0x200B, Property::kDisallowed},  // zero width space
      {0xFE0F, Property::kDisallowed},  // variation selector
      {0xFEFF, Property::kDisallowed},
      {0xE0001, Property::kDisallowed},
      {0xFDD0, Property::kDisallowed},  // noncharacters
      {0xFFFF, Property::kDisallowed},
      {0x10FFFF, Property::kDisallowed},
      {0x0378, Property::kUnassigned},
      {0x0530, Property::kUnassigned},
      {0x1FFFD, Property::kUnassigned},
      {0x2163, Property::kFreeform},  // HasCompat: Roman numeral four
      {0xFF21, Property::kFreeform},  // HasCompat: fullwidth A
      {0xFB01, Property::kFreeform},  // HasCompat: ligature fi
      {0x212B, Property::kFreeform},  // HasCompat: angstrom sign
      {0x0061, Property::kValid},     // LetterDigits, each category
      {0x00C5, Property::kValid},
      {0x05D0, Property::kValid},
      {0x0967, Property::kValid},
      {0x02B9, Property::kValid},
      {0x0301, Property::kValid},
      {0x0903, Property::kValid},
      {0x4E00, Property::kValid},
      {0xAC00, Property::kValid},
      {0x10400, Property::kValid},
      {0x2180, Property::kFreeform},  // OtherLetterDigits: Nl
      {0x0BF0, Property::kFreeform},  // No
      {0x0488, Property::kFreeform},  // Me
      {0x265A, Property::kFreeform},  // Symbols: black chess king
      {0x20AC, Property::kFreeform},
      {0x2264, Property::kFreeform},
      {0x1F600, Property::kFreeform},
      {0x2027, Property::kFreeform},  // Punctuation: hyphenation point
      {0x00BF, Property::kFreeform},
      {0x2028, Property::kDisallowed},  // Zl and Zp are in no category that is allowed
      {0x2029, Property::kDisallowed},
      {0xE000, Property::kDisallowed},  // private use
      {0x0600, Property::kDisallowed},  // Cf that is not ignorable
      {0xD800, Property::kDisallowed},  // a surrogate
  });
}

TEST(CodePoints, HasCompatIsWhatNormalisationDoes) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  ASSERT_TRUE(U_SUCCESS(status));
  int changed = 0;
  for (UChar32 c = 0x80; c <= 0x10FFFF; ++c) {
    if (U_IS_SURROGATE(c)) continue;
    const icu::UnicodeString before(c);
    if (nfkc->normalize(before, status) == before) continue;
    ++changed;
    EXPECT_NE(property(static_cast<char32_t>(c)), Property::kValid) << std::hex << c;
  }
  EXPECT_GT(changed, 4000);
}

// Every code point of a category that RFC 8264 §9.1 names, and no other, can be PVALID.
TEST(CodePoints, ValidIsAlwaysALetterOrDigitOrAscii) {
  for (char32_t c = 0x80; c <= 0x10FFFF; ++c) {
    if (property(c) != Property::kValid) continue;
    const std::uint32_t mask = U_MASK(u_charType(static_cast<UChar32>(c)));
    const bool letter_digit = mask & (U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK |
                                      U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK);
    const bool exception = c == 0x06FD || c == 0x06FE || c == 0x0F0B || c == 0x3007;
    EXPECT_TRUE(letter_digit || exception) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(CodePoints, ULabelsHaveNoSymbolsAndNoIgnorableBlocks) {
  EXPECT_TRUE(in_u_label(0x00FC));
  EXPECT_TRUE(in_u_label(0x00DF));
  EXPECT_TRUE(in_u_label(0x00B7));
  EXPECT_TRUE(in_u_label(0x200D));
  for (const char32_t c : {0x2603, 0x1F4A9, 0x20D0, 0x1D165, 0x1D242, 0x0640, 0x2163, 0x00A0}) {
    EXPECT_FALSE(in_u_label(c)) << std::hex << static_cast<unsigned>(c);
  }
}

}  // namespace
}  // namespace balcony::precis
