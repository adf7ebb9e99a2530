#include "net/shard.h"
#include "net/test_support.h"
#include "net/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

namespace balcony {
namespace {

using namespace std::chrono_literals;

TEST(Shard, RunsWhatWasPostedInOrderFromEachThread) {
  ShardSet shards(1);
  constexpr int kEach = 20'000;
  std::vector<int> seen[3];
  {
    std::vector<std::jthread> posters;
    for (int thread = 0; thread < 3; ++thread) {
      posters.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          shards.at(0).post([&seen, thread, i] { seen[thread].push_back(i); });
        }
      });
    }
  }
  test::run_on(shards.at(0), []() -> Task<bool> { co_return true; });
  for (const auto& list : seen) {
    ASSERT_EQ(list.size(), static_cast<std::size_t>(kEach));
    EXPECT_TRUE(std::ranges::is_sorted(list));
  }
}

TEST(Shard, TheEndOfTheTurnComesAfterTheJobsAtHand) {
  Shard shard;
  std::string order;
  shard.post([&] {
    shard.at_end_of_turn([&] {
      order += 'e';
      shard.at_end_of_turn([&] { order += 'f'; });
    });
    order += 'a';
  });
  shard.post([&] { order += 'b'; });
  shard.after(0ms, [&] { shard.stop(); });
  shard.run();
  EXPECT_EQ(order, "abef");
}

TEST(Shard, TimersFireInTimeAndCancelledOnesNot) {
  Shard shard;
  const Instant begin = shard.clock().now();
  Instant fired{};
  bool cancelled_fired = false;
  const TimerId cancelled = shard.after(50ms, [&] { cancelled_fired = true; });
  shard.after(250ms, [&] {
    fired = shard.clock().now();
    shard.stop();
  });
  shard.cancel(cancelled);
  shard.run();
  EXPECT_FALSE(cancelled_fired);
  EXPECT_GE(fired - begin, 250ms);
  EXPECT_LT(fired - begin, 2s);
}

TEST(Shard, KnowsItself) {
  std::latch all(3);
  std::atomic<int> right = 0;
  ShardSet shards(3);
  shards.on_every([&](Shard& shard) {
    if (Shard::current() == &shard && shard.is_current()) ++right;
    all.count_down();
  });
  all.wait();
  EXPECT_EQ(right, 3);
  EXPECT_EQ(Shard::current(), nullptr);
  EXPECT_EQ(shards.at(2).index(), 2u);
}

TEST(Shard, StopsBeforeItRunsAndDropsWhatIsLeft) {
  auto owned = std::make_shared<int>(1);
  {
    Shard shard;
    shard.stop();
    shard.after(1h, [owned] {});
    shard.run();
    shard.post([owned] {});
    EXPECT_EQ(owned.use_count(), 3);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Shard, WakesFromSleepForAPost) {
  ShardSet shards(2);
  for (int i = 0; i < 200; ++i) {
    std::promise<void> back;
    auto came = back.get_future();
    shards.at(0).post([&shards, back = std::move(back)]() mutable {
      shards.at(1).post([back = std::move(back)]() mutable { back.set_value(); });
    });
    ASSERT_EQ(came.wait_for(10s), std::future_status::ready);
    if (i % 50 == 0) std::this_thread::sleep_for(2ms);
  }
}

TEST(Shard, WhoWaitsAtTheEndIsTold) {
  auto [client, server] = test::tcp_pair();
  std::future<Result<>> result;
  std::promise<void> waits;
  {
    ShardSet shards(1);
    Shard& shard = shards.at(0);
    result = test::start_on(shard, [&, fd = std::move(server)]() mutable -> Task<Result<>> {
      const auto connection = Connection::open(shard, std::move(fd), {});
      EXPECT_EQ(connection->read_some(shard.buffer()).value(), 0u);
      waits.set_value();
      co_return co_await connection->readable();
    });
    waits.get_future().get();
  }
  ASSERT_EQ(result.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(result.get().error().code, Errc::kCancelled);
}

TEST(ThreadPool, IsBounded) {
  std::atomic<int> ran = 0;
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future();
  {
    ThreadPool pool(1, 2);
    ASSERT_TRUE(pool.try_post([&] {
      started.set_value();
      released.wait();
      ++ran;
    }));
    started.get_future().wait();
    EXPECT_TRUE(pool.try_post([&] { ++ran; }));
    EXPECT_TRUE(pool.try_post([&] { ++ran; }));
    EXPECT_EQ(pool.queued(), 2u);
    EXPECT_FALSE(pool.try_post([&] { ran += 100; }));
    release.set_value();
  }
  EXPECT_EQ(ran, 3);
}

}  // namespace
}  // namespace balcony
