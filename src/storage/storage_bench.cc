// How many archive rows a second the SQLite backend commits, and how fast accounts come in.
//
//   storage_bench [folder] [rows]      default: the current folder, 300 000 rows
//
// One shard's loop keeps a number of single-row batches under way, as sessions would; rows of about
// 300 bytes go to random owners out of 10 000.
#include "storage/storage.h"

#include "base/log.h"
#include "base/loop.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

namespace {

using namespace balcony;
using namespace balcony::storage;

// Jobs for one thread: whoever calls run(), or a thread of its own.
class Jobs {
 public:
  void push(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    some_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    some_.wait(lock, [this] { return !jobs_.empty(); });
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    if (job) {
      job();
    } else {
      ended_ = true;
    }
  }
  bool ended() const { return ended_; }

 private:
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<Job> jobs_;
  bool ended_ = false;
};

class ThreadWorkers final : public WorkerPool {
 public:
  ThreadWorkers()
      : thread_([this] {
          while (!jobs_.ended()) jobs_.run_one();
        }) {}
  ~ThreadWorkers() override {
    jobs_.push({});
    thread_.join();
  }
  bool try_post(Job job) override {
    jobs_.push(std::move(job));
    return true;
  }

 private:
  Jobs jobs_;
  std::thread thread_;
};

class BenchLoop final : public Loop {
 public:
  void post(Job job) override { jobs.push(std::move(job)); }
  void at_end_of_turn(Job job) override { jobs.push(std::move(job)); }
  TimerId after(std::chrono::milliseconds, Job) override { return 0; }
  void cancel(TimerId) override {}
  const Clock& clock() const override { return clock_; }
  bool is_current() const override { return true; }
  Jobs jobs;

 private:
  ManualClock clock_;
};

using BenchClock = std::chrono::steady_clock;

double seconds_since(BenchClock::time_point start) {
  return std::chrono::duration<double>(BenchClock::now() - start).count();
}

struct Bench {
  explicit Bench(const SqliteOptions& options)
      : database(open_sqlite_database(options, writer, reader).value()),
        store(database->open(loop)) {}

  // Commits `total` batches with at most `under_way` at a time; returns the seconds.
  template <class Make>
  double commit(int total, int under_way, Make make) {
    const auto start = BenchClock::now();
    int begun = 0;
    int ended = 0;
    while (ended < total) {
      while (begun < total && begun - ended < under_way) {
        const Ticket ticket = store->commit(make(begun++));
        store->when(ticket, [&ended](Result<> done) {
          if (!done) std::printf("failed: %s\n", done.error().to_string().c_str());
          ++ended;
        });
      }
      loop.jobs.run_one();
    }
    return seconds_since(start);
  }

  ThreadWorkers writer, reader;
  BenchLoop loop;
  std::unique_ptr<Database> database;
  std::unique_ptr<Store> store;
};

void archive(const std::string& folder, Durability durability, int rows, int under_way) {
  SqliteOptions options;
  options.path = folder + "/bench.db";
  options.durability = durability;
  std::filesystem::remove(options.path);
  Bench bench(options);
  std::mt19937 random(1);
  WallTime now{std::chrono::milliseconds(1'700'000'000'000)};
  const double took = bench.commit(rows, under_way, [&](int) {
    now += std::chrono::milliseconds(1);
    ArchiveRow row;
    row.id = archive_id(now);
    row.with = "juliet" + std::to_string(random() % 1'000) + "@capulet.example";
    row.when = now;
    row.origin_id = row.id;
    row.stanza = std::string(220, 'x');
    row.search = "wherefore art thou";
    Batch batch;
    batch.add("romeo" + std::to_string(random() % 10'000) + "@montague.example",
              op::Append{"archive", std::move(row)});
    return batch;
  });
  const DatabaseCounts counts = bench.database->counts();
  std::printf("%-8s %5d under way: %7.0f rows/s, groups of %.0f\n",
              durability == Durability::kDisk ? "disk" : "process", under_way, rows / took,
              static_cast<double>(counts.rows) / static_cast<double>(counts.groups));
}

void accounts(const std::string& folder, int total) {
  SqliteOptions options;
  options.path = folder + "/bench.db";
  std::filesystem::remove(options.path);
  Bench bench(options);
  const double took = bench.commit(total, 5'000, [](int i) {
    Account account;
    account.user = "user" + std::to_string(i);
    for (const char* hash : {"SHA-1", "SHA-256"}) {
      account.keys.push_back(
          {hash, 10'000, std::string(16, 's'), std::string(32, 'k'), std::string(32, 'k')});
    }
    Batch batch;
    batch.add("example.org", op::PutAccount{std::move(account)});
    return batch;
  });
  std::printf("accounts: %d in %.2f s\n", total, took);
}

template <class T>
Task<> keep(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

// One big archive: indexing it at the first search, searching, counting, erasing.
void one_archive(const std::string& folder, int rows) {
  SqliteOptions options;
  options.path = folder + "/bench.db";
  std::filesystem::remove(options.path);
  Bench bench(options);
  WallTime now{std::chrono::milliseconds(1'700'000'000'000)};
  bench.commit(rows / 1'000, 10, [&](int) {
    Batch batch;
    for (int i = 0; i < 1'000; ++i) {
      ArchiveRow row;
      row.id = archive_id(now += std::chrono::milliseconds(1));
      row.with = i == 0 ? "nurse@capulet.example" : "juliet@capulet.example";
      row.when = now;
      row.stanza = std::string(220, 'x');
      row.search = i == 0 ? "wherefore art thou romeo" : "it is the east and juliet is the sun";
      batch.add("romeo@montague.example", op::Append{"archive", std::move(row)});
    }
    return batch;
  });
  const auto page = [&](const char* what, ArchiveQuery query) {
    const auto start = BenchClock::now();
    std::optional<Result<ArchivePage>> found;
    spawn(keep(bench.store->page("romeo@montague.example", "archive", std::move(query)), found));
    while (!found) bench.loop.jobs.run_one();
    std::printf("%s in %d rows: %zu found in %.1f ms\n", what, rows,
                *found ? (*found)->rows.size() : 0, seconds_since(start) * 1e3);
  };
  page("first search, with indexing", {.search = "romeo"});
  page("search", {.search = "romeo"});
  page("all with one", {.with = "nurse@capulet.example", .limit = 1'000});
  page("last page", {.backwards = true});
  page("from a time near the end", {.start = now - std::chrono::milliseconds(20)});
  const double took = bench.commit(1, 1, [&](int) {
    Batch batch;
    batch.add("romeo@montague.example", op::EraseBefore{"archive", now});
    return batch;
  });
  std::printf("erasing indexed rows: %.0f rows/s\n", rows / took);
}

}  // namespace

int main(int argc, char** argv) {
  set_log_level(LogLevel::kWarning);
  const std::string base = argc > 1 ? argv[1] : ".";
  const int rows = argc > 2 ? std::stoi(argv[2]) : 300'000;
  const std::string folder = base + "/storage_bench";
  std::filesystem::create_directories(folder);
  for (const Durability durability : {Durability::kDisk, Durability::kProcess}) {
    for (const int under_way : {1, 100, 1'000, 10'000}) {
      archive(folder, durability, under_way == 1 ? rows / 100 : rows, under_way);
    }
  }
  accounts(folder, 100'000);
  one_archive(folder, 100'000);
  std::filesystem::remove_all(folder);
}
