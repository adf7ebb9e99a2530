// With real threads, as the server has them: several shards, a writer and a reader. Run under TSan.
#include "storage/test_tools.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace balcony::storage {
namespace {

// A queue of jobs that one thread works off.
class JobThread {
 public:
  JobThread() : thread_([this] { work(); }) {}
  ~JobThread() {
    push({});
    thread_.join();
  }
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  void push(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    some_.notify_one();
  }
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      some_.wait(lock, [this] { return !jobs_.empty(); });
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (!job) return;
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<Job> jobs_;
  std::thread thread_;
};

class ThreadLoop final : public Loop {
 public:
  void post(Job job) override { thread.push(std::move(job)); }
  void at_end_of_turn(Job job) override { thread.push(std::move(job)); }
  TimerId after(std::chrono::milliseconds, Job) override { return 0; }
  void cancel(TimerId) override {}
  const Clock& clock() const override { return clock_; }
  bool is_current() const override { return thread.is_current(); }

 private:
  ManualClock clock_;

 public:
  JobThread thread;
};

class ThreadWorkers final : public WorkerPool {
 public:
  bool try_post(Job job) override {
    thread_.push(std::move(job));
    return true;
  }

 private:
  JobThread thread_;
};

constexpr int kShards = 3;
constexpr int kRounds = 150;

struct ShardResult {
  std::atomic<bool> done{false};
  int acknowledged = 0, refused = 0, wrong_order = 0, wrong_reads = 0;
};

// What one shard does: its own rows, and a counter that it shares with the other shards.
Task<> shard_life(Store& store, int shard, ShardResult& result) {
  const std::string owner = "u" + std::to_string(shard) + "@x.example";
  Ticket last = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string number = std::to_string(1'000 + round);
    for (int i = 0; i < 5; ++i) {
      Batch batch;
      batch.add(owner, op::Append{"archive", row_of(number + std::to_string(i), "<m/>", "word")});
      const Ticket ticket = store.commit(std::move(batch));
      store.when(ticket, [&result, &last, ticket](Result<> done) {
        result.acknowledged += done.has_value();
        result.wrong_order += ticket <= last;
        last = ticket;
      });
    }
    const ArchiveQuery all;  // named: g++ 12 destroys an aggregate in a co_await twice
    const auto rows = co_await store.count(owner, "archive", all);
    result.wrong_reads += !rows || *rows != static_cast<std::uint64_t>(5 * (round + 1));
    const auto value = co_await store.get("all@x.example", "map", "counter");
    const std::uint64_t version = value && *value ? (*value)->version : 0;
    Batch batch;
    batch.add("all@x.example", op::PutIfVersion{"map", "counter", number, version});
    const Result<> counted = co_await store.write(std::move(batch));
    result.refused += !counted;
    if (round % 50 == 49) {
      ArchiveQuery words;
      words.search = "word";
      const auto found = co_await store.count(owner, "archive", words);
      result.wrong_reads += !found || *found != static_cast<std::uint64_t>(5 * (round + 1));
    }
  }
  result.done = true;
}

TEST(SqliteThreads, ShardsCommitAndReadSideBySide) {
  set_log_level(LogLevel::kOff);
  TempFolder folder;
  ThreadWorkers writer;
  ThreadWorkers reader;
  auto database = open_sqlite_database(options_in(folder), writer, reader).value();
  std::vector<ShardResult> results(kShards);
  {
    std::vector<ThreadLoop> loops(kShards);
    std::vector<std::unique_ptr<Store>> stores;
    for (ThreadLoop& loop : loops) stores.push_back(database->open(loop));
    for (int i = 0; i < kShards; ++i) {
      const auto at = static_cast<std::size_t>(i);
      loops[at].post([&store = *stores[at], i, &result = results[at]] {
        spawn(shard_life(store, i, result));
      });
    }
    for (ShardResult& result : results) {
      while (!result.done) std::this_thread::yield();
    }
    // One more each, and at once the end: close() waits for them.
    for (int i = 0; i < kShards; ++i) {
      loops[static_cast<std::size_t>(i)].post([&store = *stores[static_cast<std::size_t>(i)], i] {
        Batch batch;
        batch.add("last@x.example", op::Put{"map", std::to_string(i), "v"});
        store.commit(std::move(batch));
        store.commit({});
      });
    }
    for (ThreadLoop& loop : loops) {
      std::atomic<bool> passed{false};
      loop.post([&] { passed = true; });
      while (!passed) std::this_thread::yield();
    }
    database->close();
    // A handle goes on its own loop's thread.
    for (std::size_t i = 0; i < stores.size(); ++i) {
      std::atomic<bool> gone{false};
      loops[i].post([&] {
        stores[i].reset();
        gone = true;
      });
      while (!gone) std::this_thread::yield();
    }
  }
  int refused = 0;
  for (const ShardResult& result : results) {
    EXPECT_EQ(result.acknowledged, 5 * kRounds);
    EXPECT_EQ(result.wrong_order, 0);
    EXPECT_EQ(result.wrong_reads, 0);
    refused += result.refused;
  }
  const DatabaseCounts counts = database->counts();
  EXPECT_EQ(counts.failed, static_cast<std::uint64_t>(refused));
  EXPECT_LT(counts.groups, counts.batches) << "groups are shared";
  database.reset();

  Opened<InlineWorkers> db(options_in(folder));
  const auto counter = db.run(db.store->get("all@x.example", "map", "counter")).value();
  ASSERT_TRUE(counter);
  EXPECT_EQ(counter->version, static_cast<std::uint64_t>(kShards * kRounds - refused));
  const auto last = db.run(db.store->scan("last@x.example", "map", "", "", 10));
  EXPECT_EQ(last.value().size(), static_cast<std::size_t>(kShards));
}

}  // namespace
}  // namespace balcony::storage
