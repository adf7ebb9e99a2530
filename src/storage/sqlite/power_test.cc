// Loss of power: what was not synced is gone, or there in part and in any order. What was
// acknowledged with durability "disk" must be there; with "process" the file must be sound.
#include "storage/sqlite/shim_disk.h"
#include "storage/test_tools.h"

#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace balcony::storage {
namespace {

constexpr std::size_t kSectorBytes = 512;

// Remembers for each file what a disk holds for sure, and what it was told since the last sync.
class ForgetfulDisk final : public ShimDisk {
 public:
  // The power is lost after so many calls.
  void lose_power_after(long calls) { calls_left_ = calls; }
  bool is_off() const { return calls_left_ < 0; }

  // What is found when the power is back: of the last writes to a file, a disk has done some.
  void leave_behind(const std::string& folder, std::mt19937& random) const {
    for (const auto& [name, file] : files_) {
      std::string bytes = file.durable;
      for (const Change& change : file.since) {
        if (random() % 2) apply(change, bytes, random() % 4 == 0 ? &random : nullptr);
      }
      std::ofstream out(folder + "/" + std::filesystem::path(name).filename().string(),
                        std::ios::binary);
      out << bytes;
    }
  }

 private:
  struct Change {
    sqlite3_int64 at;  // of a write, or the new size
    std::string bytes;
    bool truncates = false;
  };
  struct Contents {
    std::string durable;
    std::vector<Change> since;
  };

  // `torn`: each sector of a write reaches the disk or does not.
  static void apply(const Change& change, std::string& bytes, std::mt19937* torn) {
    const auto at = static_cast<std::size_t>(change.at);
    if (change.truncates) return bytes.resize(at);
    if (bytes.size() < at + change.bytes.size()) bytes.resize(at + change.bytes.size());
    for (std::size_t i = 0; i < change.bytes.size(); i += kSectorBytes) {
      const std::string sector = change.bytes.substr(i, kSectorBytes);
      if (!torn || (*torn)() % 2) bytes.replace(at + i, sector.size(), sector);
    }
  }

  int call() { return --calls_left_ < 0 ? SQLITE_IOERR : SQLITE_OK; }
  int erased(const char* name) override {
    if (call() != SQLITE_OK) return SQLITE_IOERR;
    files_.erase(name);
    return SQLITE_OK;
  }
  int writes(const char* name, std::string_view bytes, sqlite3_int64 at) override {
    if (call() != SQLITE_OK) return SQLITE_IOERR;
    if (name) files_[name].since.push_back({at, std::string(bytes)});
    return SQLITE_OK;
  }
  int truncates(const char* name, sqlite3_int64 size) override {
    if (call() != SQLITE_OK) return SQLITE_IOERR;
    if (name) files_[name].since.push_back({size, {}, true});
    return SQLITE_OK;
  }
  int syncs(const char* name) override {
    if (call() != SQLITE_OK) return SQLITE_IOERR;
    if (!name) return kDone;
    Contents& file = files_[name];
    for (const Change& change : file.since) apply(change, file.durable, nullptr);
    file.since.clear();
    return kDone;  // this test's machine keeps its power
  }

  long calls_left_ = std::numeric_limits<long>::max();
  std::map<std::string, Contents> files_;
};

// Commits until the power is lost; which batches were acknowledged.
std::set<int> commit_until_dark(const SqliteOptions& options, ForgetfulDisk& disk, long calls) {
  std::set<int> acknowledged;
  Opened<LaterWorkers> db(options);
  disk.lose_power_after(calls);
  for (int batch = 0; !disk.is_off(); ++batch) {
    const std::string number = std::to_string(batch);
    Batch entries;
    entries.add(kRomeo, op::Append{"archive", row_of(number, std::string(3'000, 'x'))})
        .add("u" + number + "@x.example", op::Put{"map", "k", number});
    // Now and then something that is erased again.
    if (batch % 3 == 2) entries.add(kRomeo, op::EraseRow{"archive", std::to_string(batch - 1)});
    db.store->when(db.store->commit(std::move(entries)), [&acknowledged, batch](Result<> done) {
      if (done) acknowledged.insert(batch);
    });
    if (batch % 5 == 4) db.run_all();
  }
  return acknowledged;
}

std::string integrity(const std::string& path) {
  sqlite3* db = nullptr;
  std::string told;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_exec(
      db, "PRAGMA integrity_check",
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += values[0];
        return 0;
      },
      &told, nullptr);
  sqlite3_close(db);
  return told;
}

void check(const SqliteOptions& options, const std::set<int>& acknowledged) {
  EXPECT_EQ(integrity(options.path), "ok");
  Opened<InlineWorkers> db(options);
  const bool on_disk = options.durability == Durability::kDisk;
  for (const int batch : acknowledged) {
    const std::string number = std::to_string(batch);
    const auto row = db.run(db.store->find(kRomeo, "archive", number));
    ASSERT_TRUE(row) << row.error().to_string();
    const std::string value = db.get("u" + number + "@x.example", "k");
    const bool erased = acknowledged.contains(batch + 1) && batch % 3 == 1;
    if (on_disk) {
      EXPECT_EQ(value, number) << "lost";
      EXPECT_TRUE(erased ? !*row : batch % 3 == 1 || *row) << "lost: " << number;
    }
    // Whole or not at all. One that may be erased says nothing.
    if (batch % 3 != 1) {
      EXPECT_EQ(row->has_value(), value == number) << "half: " << number;
    }
  }
  EXPECT_EQ(db.database->counts().corrupt, 0U);
}

void lose_power(Durability durability) {
  std::mt19937 random(7);
  std::size_t acknowledged_in_all = 0;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    TempFolder before;
    TempFolder after;
    SqliteOptions options = options_in(before);
    options.durability = durability;
    options.reserve_bytes = 4 << 20;  // a short log: it begins anew now and then
    auto disk = std::make_unique<ForgetfulDisk>();
    const auto calls = static_cast<long>(random() % 6'000);
    const std::set<int> acknowledged = commit_until_dark(options, *disk, calls);
    acknowledged_in_all += acknowledged.size();
    disk->leave_behind(std::filesystem::path(after.file("x")).parent_path().string(), random);
    disk.reset();
    options.path = after.file("balcony.db");
    check(options, acknowledged);
  }
  EXPECT_GT(acknowledged_in_all, 500U) << "the power was lost too early";
}

TEST(SqlitePower, WhatWasAcknowledgedWithDurabilityDiskIsThere) {
  lose_power(Durability::kDisk);
}

TEST(SqlitePower, WithDurabilityProcessTheFileStaysSound) {
  lose_power(Durability::kProcess);
}

}  // namespace
}  // namespace balcony::storage
