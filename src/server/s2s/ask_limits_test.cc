#include "server/s2s/ask_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::server::s2s {
namespace {

using std::chrono_literals::operator""s;

const Question kMontague{"montague.example", "192.0.2.1"};
const Error kUnreachable(Errc::kRemoteServerTimeout, "nobody answers");
const Error kWrong(Errc::kForbidden, "not our key");

AskLimits::Options few() {
  AskLimits::Options options;
  options.at_once_max = 3;
  options.at_once_per_address_max = 2;
  options.failures_per_minute_max = 5;
  options.rest_max = 8s;
  return options;
}

struct AskLimitsTest : ::testing::Test {
  // Asks, and has this answer at once; false: it may not ask.
  bool ask(const Question& question, const Result<>& outcome) {
    if (!limits.begin(question, now)) return false;
    limits.end(question, outcome, now);
    return true;
  }

  AskLimits limits{few()};
  Instant now{std::chrono::hours(1)};
};

TEST_F(AskLimitsTest, FewAtTheSameTimeInAllAndForEachAddress) {
  EXPECT_TRUE(limits.begin({"a.example", "192.0.2.1"}, now));
  EXPECT_TRUE(limits.begin({"b.example", "192.0.2.1"}, now));
  const auto third = limits.begin({"c.example", "192.0.2.1"}, now);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::kResourceConstraint);
  EXPECT_TRUE(limits.begin({"c.example", "192.0.2.2"}, now));
  EXPECT_FALSE(limits.begin({"d.example", "192.0.2.3"}, now));
  limits.end({"a.example", "192.0.2.1"}, {}, now);
  EXPECT_TRUE(limits.begin({"d.example", "192.0.2.3"}, now));
  EXPECT_EQ(limits.running(), 3U);
}

TEST_F(AskLimitsTest, ATargetThatCannotBeAskedIsLeftAloneForLongerEachTime) {
  int number = 0;
  for (const auto rest : {1s, 2s, 4s, 8s, 8s}) {
    const std::string from = "10.0.0." + std::to_string(++number);
    ASSERT_TRUE(ask({kMontague.target, from}, fail(kUnreachable)));
    now += rest - std::chrono::milliseconds(1);
    const auto refused = limits.begin({kMontague.target, "192.0.2.99"}, now);
    ASSERT_FALSE(refused) << "whoever asks";
    EXPECT_EQ(refused.error().code, kUnreachable.code);
    now += std::chrono::milliseconds(1);
  }
  ASSERT_TRUE(ask(kMontague, {}));
  ASSERT_TRUE(ask(kMontague, fail(kUnreachable))) << "an answer has made it forgotten";
  now += 1s;
  EXPECT_TRUE(ask(kMontague, {}));
}

TEST_F(AskLimitsTest, AWrongKeyKeepsNobodyElseFromTheTarget) {
  ASSERT_TRUE(ask(kMontague, fail(kWrong)));
  const auto again = limits.begin(kMontague, now);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kResourceConstraint) << "another key need not be wrong";
  EXPECT_TRUE(ask({kMontague.target, "192.0.2.2"}, {}));
  now += 1s;
  EXPECT_TRUE(ask(kMontague, fail(kWrong)));
  now += 1s;
  EXPECT_FALSE(ask(kMontague, {})) << "two seconds this time";
  now += 1s;
  EXPECT_TRUE(ask(kMontague, {}));
}

TEST_F(AskLimitsTest, WhoseFailureItIs) {
  const std::pair<Errc, bool> kIsTheTargets[] = {{Errc::kRemoteServerTimeout, true},
                                                 {Errc::kRemoteServerNotFound, true},
                                                 {Errc::kClosed, true},
                                                 {Errc::kTimeout, true},
                                                 {Errc::kForbidden, false},
                                                 {Errc::kItemNotFound, false},
                                                 {Errc::kPolicyViolation, false},
                                                 {Errc::kUnexpectedRequest, false}};
  int number = 0;
  for (const auto& [code, is_the_targets] : kIsTheTargets) {
    const std::string target = "d" + std::to_string(++number) + ".example";
    ASSERT_TRUE(ask({target, "10.0.0." + std::to_string(number)}, fail(code)));
    EXPECT_EQ(limits.begin({target, "192.0.2.99"}, now).has_value(), !is_the_targets)
        << to_string(code);
    if (!is_the_targets) limits.end({target, "192.0.2.99"}, {}, now);
  }
}

TEST_F(AskLimitsTest, AnAddressMayFailFiveTimesAMinute) {
  const auto target = [](int number) { return "d" + std::to_string(number) + ".example"; };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask({target(i), "192.0.2.1"}, fail(kUnreachable)));
  EXPECT_FALSE(ask({target(5), "192.0.2.1"}, {}));
  EXPECT_TRUE(ask({target(5), "192.0.2.2"}, {}));
  now += 59s;
  EXPECT_FALSE(ask({target(5), "192.0.2.1"}, {}));
  now += 1s;
  EXPECT_TRUE(ask({target(5), "192.0.2.1"}, {}));
}

TEST_F(AskLimitsTest, OurOwnLimitsAreNobodysFailures) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(ask(kMontague, fail(Errc::kResourceConstraint)));
    EXPECT_TRUE(ask(kMontague, fail(Errc::kCancelled)));
  }
  EXPECT_EQ(limits.remembered(), 0U);
}

TEST_F(AskLimitsTest, WhatIsRememberedIsBounded) {
  AskLimits::Options options = few();
  options.remembered_max = 10;
  AskLimits bounded(options);
  for (int i = 0; i < 100; ++i) {
    const Question question{"d" + std::to_string(i) + ".example", "10.0.0." + std::to_string(i)};
    ASSERT_TRUE(bounded.begin(question, now));
    bounded.end(question, fail(kUnreachable), now);
  }
  EXPECT_EQ(bounded.remembered(), 10U);
  EXPECT_TRUE(bounded.begin({"d0.example", "192.0.2.1"}, now)) << "the oldest is forgotten";
  EXPECT_FALSE(bounded.begin({"d99.example", "192.0.2.1"}, now));
}

}  // namespace
}  // namespace balcony::server::s2s
