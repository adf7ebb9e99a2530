#include <balcony/result.h>
#include <balcony/task.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony {
namespace {

Task<int> number(int n) {
  co_return n;
}

Task<Result<std::string>> ask(OneShot<int>& answer) {
  const int n = co_await answer;
  if (n < 0) co_return fail(Errc::kTimeout, "nobody answered");
  co_return std::to_string(n);
}

Task<Result<std::string>> ask_twice(OneShot<int>& first, OneShot<int>& second) {
  BALCONY_CO_ASSIGN(const std::string a, co_await ask(first));
  BALCONY_CO_ASSIGN(const std::string b, co_await ask(second));
  co_return a + b;
}

Task<> keep(Task<Result<std::string>> task, std::vector<std::string>& results) {
  auto result = co_await std::move(task);
  results.push_back(result ? *result : result.error().to_string());
}

TEST(Task, RunsWhenItIsStartedAndEndsAtOnceWhenNothingIsAwaited) {
  Task<int> task = number(7);
  ASSERT_TRUE(task.start());
  EXPECT_EQ(task.take(), 7);
}

TEST(Task, WaitsForWhatComesLater) {
  OneShot<int> first;
  OneShot<int> second;
  std::vector<std::string> results;
  spawn(keep(ask_twice(first, second), results));
  second.set(2);
  EXPECT_TRUE(results.empty());
  first.set(1);
  EXPECT_EQ(results, std::vector<std::string>{"12"});
}

TEST(Task, AnErrorLeavesEarly) {
  OneShot<int> first;
  OneShot<int> never;
  std::vector<std::string> results;
  spawn(keep(ask_twice(first, never), results));
  first.set(-1);
  EXPECT_EQ(results, std::vector<std::string>{"timeout: nobody answered"});
}

TEST(Task, WhatWasStartedCanBeAwaitedToItsEnd) {
  OneShot<int> answer;
  std::vector<std::string> results;
  Task<Result<std::string>> task = ask(answer);
  ASSERT_FALSE(task.start());
  spawn([](Task<Result<std::string>> begun, std::vector<std::string>& out) -> Task<> {
    out.push_back((co_await std::move(begun).rest()).value());
  }(std::move(task), results));
  answer.set(5);
  EXPECT_EQ(results, std::vector<std::string>{"5"});
}

TEST(OneShot, TheFirstValueCounts) {
  OneShot<int> one;
  one.set(1);
  one.set(2);
  std::vector<int> seen;
  spawn([](OneShot<int>& from, std::vector<int>& to) -> Task<> { to.push_back(co_await from); }(
                                                         one, seen));
  EXPECT_EQ(seen, std::vector<int>{1});
}

}  // namespace
}  // namespace balcony
