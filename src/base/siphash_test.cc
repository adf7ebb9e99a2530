#include "base/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony {
namespace {

// The reference vectors: key 00..0f, input 00, 00 01, 00 01 02, …
TEST(SipHash, ReferenceVectors) {
  const SipKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  const std::uint64_t kExpected[] = {0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL,
                                     0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
                                     0xcf2794e0277187b7ULL};
  std::string input;
  for (std::size_t i = 0; i < std::size(kExpected); ++i) {
    EXPECT_EQ(siphash24(key, input), kExpected[i]) << i;
    input.push_back(static_cast<char>(i));
  }
  const std::string fifteen("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 15);
  EXPECT_EQ(siphash24(key, fifteen), 0xa129ca6149be45e5ULL);
}

TEST(SipHash, EachTableHasAKeyOfItsOwn) {
  const SipHash one;
  const SipHash other;
  EXPECT_EQ(one("juliet@capulet.lit"), SipHash(one)("juliet@capulet.lit"));
  EXPECT_NE(one("juliet@capulet.lit"), other("juliet@capulet.lit"));
}

}  // namespace
}  // namespace balcony
