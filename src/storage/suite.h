// The fixture of the one test suite for every backend: each test runs against memory, against
// SQLite, and against SQLite that is closed and opened again before each look at it.
#pragma once

#include "storage/test_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace balcony::storage {

inline constexpr const char* kJuliet = "juliet@capulet.example";

inline WallTime at(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

struct Backend {
  const char* name;
  bool sqlite;
  bool reopen;
};

class StorageTest : public testing::TestWithParam<Backend> {
 public:
  StorageTest() {
    set_log_level(LogLevel::kWarning);
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("balcony_") + test->name() + std::to_string(getpid());
    std::ranges::replace(name, '/', '_');
    folder_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directory(folder_);
    open();
  }
  ~StorageTest() override {
    store_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    if (GetParam().sqlite) {
      SqliteOptions options;
      options.path = folder_ / "balcony.db";
      options.durability = Durability::kProcess;
      auto opened = open_sqlite_database(options, workers_, workers_);
      ASSERT_TRUE(opened) << opened.error().to_string();
      database_ = *std::move(opened);
    } else {
      database_ = make_memory_database();
    }
    store_ = database_->open(loop_);
  }

  // Where "reopening" is tested, nothing but the file survives from one call to the next.
  Store& store() {
    if (GetParam().reopen) {
      loop_.run();
      store_.reset();
      database_->close();
      database_.reset();
      open();
    }
    return *store_;
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    loop_.run();
    EXPECT_TRUE(result.has_value()) << "the task did not end";
    return std::move(result).value();
  }
  template <class T>
  T ok(Task<Result<T>> task) {
    Result<T> result = run(std::move(task));
    EXPECT_TRUE(result) << result.error().to_string();
    return *std::move(result);
  }

  Result<> write(Batch batch) { return run(store().write(std::move(batch))); }
  template <class Operation>
  Result<> write(const char* owner, Operation operation) {
    return write(std::move(Batch().add(owner, std::move(operation))));
  }
  void put(const char* owner, std::string name, std::string key, std::string value) {
    ASSERT_TRUE(write(owner, op::Put{std::move(name), std::move(key), std::move(value)}));
  }
  std::optional<Value> get(const char* owner, std::string name, std::string key) {
    return ok(store().get(owner, std::move(name), std::move(key)));
  }
  std::string text(const char* owner, std::string name, std::string key) {
    const auto value = get(owner, std::move(name), std::move(key));
    return value ? value->value + "#" + std::to_string(value->version) : "none";
  }
  std::vector<std::string> keys(std::string prefix, std::string after, std::uint32_t limit) {
    std::vector<std::string> names;
    for (auto& entry : ok(store().scan(kRomeo, "map", prefix, after, limit))) {
      names.push_back(entry.key);
    }
    return names;
  }

  // A row of Romeo's archive: id, other side, seconds, text.
  static ArchiveRow row(std::string id, std::string with, int seconds, std::string search = {}) {
    ArchiveRow made;
    made.origin_id = "origin-" + id;
    made.stanza = "<message id='" + id + "'/>";
    made.id = std::move(id);
    made.with = std::move(with);
    made.when = at(seconds);
    made.search = std::move(search);
    return made;
  }
  void append(ArchiveRow made) {
    ASSERT_TRUE(write(kRomeo, op::Append{"archive", std::move(made)}));
  }
  // "a b" where the page holds these and is complete, "a b …" where there is more.
  std::string page(ArchiveQuery query) {
    const ArchivePage found = ok(store().page(kRomeo, "archive", std::move(query)));
    std::string ids;
    for (const ArchiveRow& each : found.rows) ids += (ids.empty() ? "" : " ") + each.id;
    return found.complete ? ids : ids + " …";
  }
  std::uint64_t count(ArchiveQuery query) {
    return ok(store().count(kRomeo, "archive", std::move(query)));
  }
  void five_rows() {
    append(row("a", kJuliet, 10, "But soft, what light"));
    append(row("b", "nurse@capulet.example", 20, "Madam, your mother craves a word"));
    append(row("c", kJuliet, 30, "What's in a name?"));
    append(row("d", "mercutio@verona.example", 40));
    append(row("e", kJuliet, 50, "A word, a NAME, a light"));
  }

 protected:
  std::filesystem::path folder_;
  ManualLoop loop_;
  InlineWorkers workers_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Store> store_;
};

inline auto all_backends() {
  return testing::Values(Backend{"Memory", false, false}, Backend{"Sqlite", true, false},
                         Backend{"SqliteReopened", true, true});
}

}  // namespace balcony::storage
