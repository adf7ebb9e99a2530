#include "base/ascii.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

TEST(Ascii, LettersHaveCaseAndOtherBytesNone) {
  EXPECT_EQ(ascii_lower("AZaz@[`{09"), "azaz@[`{09");
  EXPECT_EQ(ascii_lower("\xC3\x84"), "\xC3\x84");  // Ä
}

TEST(Ascii, BeginsInWhateverCase) {
  EXPECT_TRUE(ascii_starts_with("Re: hello", "re:"));
  EXPECT_TRUE(ascii_starts_with("RE:", "re:"));
  EXPECT_TRUE(ascii_starts_with("x", ""));
  EXPECT_FALSE(ascii_starts_with("Re", "re:"));
  EXPECT_FALSE(ascii_starts_with("Rex", "re:"));
}

}  // namespace
}  // namespace balcony
