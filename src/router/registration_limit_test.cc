#include "router/registration_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::router {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(RegistrationLimitTest, EachAddressHasItsOwnHour) {
  RegistrationLimit limit;
  const Instant start{};
  EXPECT_TRUE(limit.admit("192.0.2.1", 2, start));
  EXPECT_TRUE(limit.admit("192.0.2.1", 2, start + minutes(30)));
  EXPECT_FALSE(limit.admit("192.0.2.1", 2, start + minutes(59)));
  EXPECT_TRUE(limit.admit("192.0.2.2", 2, start + minutes(59)));
  // What was refused does not make the hour longer.
  EXPECT_TRUE(limit.admit("192.0.2.1", 2, start + minutes(60)));
  EXPECT_EQ(limit.size(), 2U);
}

TEST(RegistrationLimitTest, TheTableIsBounded) {
  RegistrationLimit limit(100);
  const Instant now{};
  for (int i = 0; i < 1'000; ++i)
    EXPECT_TRUE(limit.admit("2001:db8::" + std::to_string(i), 1, now));
  EXPECT_EQ(limit.size(), 100U);
  EXPECT_FALSE(limit.admit("2001:db8::999", 1, now));
  EXPECT_TRUE(limit.admit("2001:db8::0", 1, now));  // forgotten for newer ones
  EXPECT_TRUE(limit.admit("2001:db8::1", 1, now + seconds(3'600)));
  EXPECT_EQ(limit.size(), 1U);
}

}  // namespace
}  // namespace balcony::router
