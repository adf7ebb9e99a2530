#include "gateway/rate.h"

#include <gtest/gtest.h>

namespace balcony::gateway {
namespace {

using namespace std::chrono_literals;

TEST(Rate, ABurstThenAsManyAsComeInAMinute) {
  Rate rate(6, 3);
  Instant now{1h};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("romeo", now));
  EXPECT_FALSE(rate.take("romeo", now));
  EXPECT_TRUE(rate.take("juliet", now)) << "everybody has a bucket of his own";
  now += 10s;
  EXPECT_TRUE(rate.take("romeo", now));
  EXPECT_FALSE(rate.take("romeo", now));
  now += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("romeo", now));
  EXPECT_FALSE(rate.take("romeo", now)) << "no more than a burst is saved";
}

TEST(Rate, RemembersSoManyAndNobodyGetsAroundIt) {
  Rate rate(1, 2);
  Instant now{1h};
  for (std::size_t i = 0; i < Rate::kNamesMax; ++i) ASSERT_TRUE(rate.take(std::to_string(i), now));
  EXPECT_FALSE(rate.take("one more", now));
  now += 1min;
  EXPECT_TRUE(rate.take("one more", now)) << "full buckets are forgotten";
  EXPECT_EQ(rate.size(), 1U);
}

}  // namespace
}  // namespace balcony::gateway
