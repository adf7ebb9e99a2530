// What the tests of storage share: a folder that goes away, a pool that works when it is told
// to, and running a task to its end.
#pragma once

#include "storage/storage.h"

#include "base/log.h"
#include "base/manual_loop.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

namespace balcony::storage {

inline constexpr const char* kRomeo = "romeo@montague.example";

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "balcony_XXXXXX").string();
    const char* made = ::mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr);
    path_ = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Keeps jobs until run().
class LaterWorkers final : public WorkerPool {
 public:
  bool try_post(Job job) override {
    if (full) return false;
    jobs_.push_back(std::move(job));
    return true;
  }
  void run() {
    while (!jobs_.empty()) {
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      job();
    }
  }
  bool full = false;

 private:
  std::deque<Job> jobs_;
};

template <class T>
Task<> keep(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

// An open database with one handle, and what it runs on.
template <class Workers>
struct Opened {
  explicit Opened(SqliteOptions with) : options(std::move(with)) {
    set_log_level(LogLevel::kOff);
    open();
  }
  ~Opened() { shut(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  void open() {
    auto made = open_sqlite_database(options, writer, reader);
    ASSERT_TRUE(made) << made.error().to_string();
    database = *std::move(made);
    store = database->open(loop);
  }
  void shut() {
    run_all();
    store.reset();
    database.reset();
  }
  void run_all() {
    for (int i = 0; i < 10; ++i) {
      if constexpr (requires { writer.run(); }) {
        writer.run();
        reader.run();
      }
      loop.run();
    }
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    run_all();
    EXPECT_TRUE(result.has_value()) << "the task did not end";
    return std::move(result).value();
  }
  template <class Operation>
  Result<> write(const std::string& owner, Operation operation) {
    return run(store->write(std::move(Batch().add(owner, std::move(operation)))));
  }
  std::string get(const std::string& owner, const std::string& key) {
    auto value = run(store->get(owner, "map", key));
    if (!value) return value.error().to_string();
    return *value ? (*value)->value : "none";
  }

  SqliteOptions options;
  ManualLoop loop;
  Workers writer, reader;
  std::unique_ptr<Database> database;
  std::unique_ptr<Store> store;
};

inline SqliteOptions options_in(const TempFolder& folder) {
  SqliteOptions options;
  options.path = folder.file("balcony.db");
  options.durability = Durability::kProcess;
  return options;
}

inline ArchiveRow row_of(std::string id, std::string stanza = "<message/>",
                         std::string search = {}) {
  ArchiveRow row;
  row.id = std::move(id);
  row.with = "juliet@capulet.example";
  row.when = WallTime(std::chrono::seconds(1'700'000'000));
  row.stanza = std::move(stanza);
  row.search = std::move(search);
  return row;
}

}  // namespace balcony::storage
