#include "net/timing_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace balcony {
namespace {

TEST(TimingWheel, EmptyAsksForNothing) {
  TimingWheel wheel;
  EXPECT_FALSE(wheel.next());
  wheel.advance(1'000'000);
  EXPECT_EQ(wheel.now(), 1'000'000u);
  const TimerId timer = wheel.insert(1'000'005, [] {});
  EXPECT_TRUE(wheel.next());
  wheel.cancel(timer);
  EXPECT_FALSE(wheel.next());
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimingWheel, FiresAtItsTickAndNotBefore) {
  for (const TimingWheel::Tick delay : {1u, 63u, 64u, 65u, 4095u, 4096u, 300'000u, 20'000'000u}) {
    TimingWheel wheel;
    wheel.advance(77);
    int fired = 0;
    wheel.insert(77 + delay, [&fired] { ++fired; });
    wheel.advance(77 + delay - 1);
    EXPECT_EQ(fired, 0) << delay;
    wheel.advance(77 + delay);
    EXPECT_EQ(fired, 1) << delay;
  }
}

TEST(TimingWheel, JobsMayCancelWhatIsDueWithThem) {
  TimingWheel wheel;
  int fired = 0;
  TimerId first = 0;
  TimerId second = 0;
  first = wheel.insert(5, [&] {
    ++fired;
    wheel.cancel(second);
  });
  second = wheel.insert(5, [&] {
    ++fired;
    wheel.cancel(first);
  });
  wheel.advance(5);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimingWheel, AJobMayStartTheNextTimer) {
  TimingWheel wheel;
  std::vector<TimingWheel::Tick> seen;
  std::function<void()> again = [&] {
    seen.push_back(wheel.now());
    if (seen.size() < 5) wheel.insert(wheel.now() + 100, [&] { again(); });
  };
  wheel.insert(0, [&] { again(); });
  wheel.advance(10'000);
  EXPECT_EQ(seen, (std::vector<TimingWheel::Tick>{1, 101, 201, 301, 401}));
}

TEST(TimingWheel, OldNamesNameNobody) {
  TimingWheel wheel;
  const TimerId old = wheel.insert(1, [] {});
  wheel.advance(1);
  int fired = 0;
  wheel.insert(2, [&fired] { ++fired; });  // takes the same entry
  wheel.cancel(old);
  wheel.cancel(0);
  wheel.cancel(~TimerId{0});
  wheel.advance(2);
  EXPECT_EQ(fired, 1);
}

// Against a map of what should happen, through many random lives.
TEST(TimingWheel, PropertyAgreesWithASortedList) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    TimingWheel wheel;
    std::multimap<TimingWheel::Tick, int> expected;
    std::map<int, TimerId> names;
    std::multiset<int> fired;
    int last = 0;
    for (int step = 0; step < 600; ++step) {
      const auto choice = random() % 10;
      if (choice < 5) {
        const unsigned bits = random() % 26;
        const TimingWheel::Tick at = wheel.now() + 1 + random() % (1ull << bits);
        const int id = ++last;
        names[id] = wheel.insert(at, [&, id, at] {
          EXPECT_EQ(wheel.now(), at);
          fired.insert(id);
        });
        expected.emplace(at, id);
      } else if (choice < 7 && !expected.empty()) {
        auto it = expected.begin();
        std::advance(it, static_cast<long>(random() % expected.size()));
        wheel.cancel(names[it->second]);
        expected.erase(it);
      } else {
        const unsigned bits = random() % 24;
        const TimingWheel::Tick to = wheel.now() + random() % (1ull << bits);
        std::multiset<int> due;
        while (!expected.empty() && expected.begin()->first <= to) {
          due.insert(expected.begin()->second);
          expected.erase(expected.begin());
        }
        fired.clear();
        wheel.advance(to);
        ASSERT_EQ(fired, due) << "seed " << seed;
      }
      ASSERT_EQ(wheel.size(), expected.size());
      ASSERT_EQ(wheel.next().has_value(), !expected.empty());
      if (wheel.next()) {
        ASSERT_LE(*wheel.next(), expected.begin()->first);
        ASSERT_GT(*wheel.next(), wheel.now());
      }
    }
  }
}

}  // namespace
}  // namespace balcony
