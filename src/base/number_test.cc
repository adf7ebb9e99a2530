#include "base/number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace balcony {
namespace {

TEST(Number, IsTheWholeText) {
  EXPECT_EQ(read_number<std::uint32_t>("0"), 0U);
  EXPECT_EQ(read_number<std::uint32_t>("4294967295"), 4294967295U);
  EXPECT_EQ(read_number<std::int64_t>("-7"), -7);
  for (const char* text : {"", " ", "1 ", " 1", "+1", "1.", "0x1", "1e3", "-"}) {
    EXPECT_EQ(read_number<std::uint32_t>(text), std::nullopt) << text;
  }
}

TEST(Number, FitsOrIsNone) {
  EXPECT_EQ(read_number<std::uint32_t>("4294967296"), std::nullopt);
  EXPECT_EQ(read_number<std::uint32_t>("-1"), std::nullopt);
  EXPECT_EQ(read_number<std::int8_t>("128"), std::nullopt);
  EXPECT_EQ(read_number<std::uint64_t>("99999999999999999999"), std::nullopt);
}

}  // namespace
}  // namespace balcony
