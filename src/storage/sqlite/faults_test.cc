// A disk that fails: one that gives errors when a test says so, and a real limit on the size of
// files.
#include "storage/sqlite/shim_disk.h"
#include "storage/test_tools.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>

namespace balcony::storage {
namespace {

// ---- the faulty disk

struct Fault {
  int code = SQLITE_OK;  // what failing calls return
  int system_error = 0;  // and what the system is said to have said
  long calls_left = 0;   // that still succeed
  bool sync = false;     // syncing fails, not writing
};
Fault fault;

bool fails(bool syncing) {
  if (fault.code == SQLITE_OK || fault.sync != syncing || --fault.calls_left >= 0) return false;
  errno = fault.system_error;
  return true;
}

class FaultyDisk final : public ShimDisk {
 public:
  FaultyDisk() { fault = {}; }
  ~FaultyDisk() override { fault = {}; }

 private:
  static int outcome(bool syncing) { return fails(syncing) ? fault.code : SQLITE_OK; }
  int writes(const char*, std::string_view, sqlite3_int64) override { return outcome(false); }
  int truncates(const char*, sqlite3_int64) override { return outcome(false); }
  int syncs(const char*) override { return outcome(true); }
};

// ---- with it

struct Way {
  const char* name;
  Fault fault;
  Errc code;
};

TEST(SqliteFaults, EachWayToFailHasItsErrorAndHealsByItself) {
  for (const Way& way : {
           Way{"full", {SQLITE_FULL, ENOSPC}, Errc::kDiskFull},
           Way{"read-only", {SQLITE_READONLY, EROFS}, Errc::kDiskFull},
           Way{"quota", {SQLITE_IOERR_WRITE, EDQUOT}, Errc::kDiskFull},
           Way{"broken", {SQLITE_IOERR_WRITE, EIO}, Errc::kIo},
           Way{"sync", {.code = SQLITE_IOERR_FSYNC, .system_error = EIO, .sync = true}, Errc::kIo},
       }) {
    SCOPED_TRACE(way.name);
    TempFolder folder;
    FaultyDisk disk;
    SqliteOptions options = options_in(folder);
    options.durability = Durability::kDisk;
    Opened<InlineWorkers> db(options);
    ASSERT_TRUE(db.write(kRomeo, op::Put{"map", "before", "v"}));
    fault = way.fault;
    for (int i = 0; i < 3; ++i) {
      const Result<> failed = db.write(kRomeo, op::Put{"map", "lost", "v"});
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, way.code) << failed.error().to_string();
      EXPECT_NE(failed.error().detail, "");
    }
    EXPECT_EQ(db.database->counts().disk_full, way.code == Errc::kDiskFull);
    EXPECT_EQ(db.get(kRomeo, "before"), "v") << "reading goes on";
    EXPECT_EQ(db.get(kRomeo, "lost"), "none");
    fault = {};
    EXPECT_TRUE(db.write(kRomeo, op::Put{"map", "after", "v"}));
    EXPECT_FALSE(db.database->counts().disk_full);
    EXPECT_TRUE(std::filesystem::exists(options.path + ".reserve"));
    db.shut();
    db.open();
    EXPECT_EQ(db.get(kRomeo, "before") + db.get(kRomeo, "lost") + db.get(kRomeo, "after"),
              "vnonev");
  }
}

TEST(SqliteFaults, ADiskThatFailsAtAnyCallLosesNothingThatWasAcknowledged) {
  for (long calls = 0; calls < 80; ++calls) {
    SCOPED_TRACE(calls);
    TempFolder folder;
    FaultyDisk disk;
    SqliteOptions options = options_in(folder);
    options.durability = Durability::kDisk;
    options.reserve_bytes = 65'536;
    Opened<LaterWorkers> db(options);
    fault = {SQLITE_FULL, ENOSPC, calls, calls % 7 == 6};
    std::map<int, bool> acknowledged;
    for (int i = 0; i < 12; ++i) {
      Batch batch;
      const std::string number = std::to_string(i);
      batch.add("u" + number + "@x.example", op::Put{"map", "k", number})
          .add(kRomeo, op::Append{"archive", row_of("id" + number, std::string(3'000, 'x'))});
      db.store->when(db.store->commit(std::move(batch)),
                     [&acknowledged, i](Result<> done) { acknowledged[i] = done.has_value(); });
      if (i % 3 == 2) db.run_all();
    }
    ASSERT_EQ(acknowledged.size(), 12U);
    ArchiveQuery words;
    words.search = "x";
    static_cast<void>(db.run(db.store->page(kRomeo, "archive", words)));
    fault = {};
    EXPECT_TRUE(db.write(kRomeo, op::Put{"map", "healed", "v"}));
    db.shut();
    db.open();
    EXPECT_EQ(db.get(kRomeo, "healed"), "v");
    for (const auto& [i, done] : acknowledged) {
      const bool value = db.get("u" + std::to_string(i) + "@x.example", "k") == std::to_string(i);
      const bool row =
          db.run(db.store->find(kRomeo, "archive", "id" + std::to_string(i))).value().has_value();
      EXPECT_EQ(value, row) << "half a batch: " << i;
      EXPECT_TRUE(value || !done) << "lost: " << i;
    }
  }
}

TEST(SqliteFaults, AFullDiskAtTheStartIsAnErrorInPlainWords) {
  TempFolder folder;
  FaultyDisk disk;
  fault = {SQLITE_FULL, ENOSPC};
  InlineWorkers workers;
  const auto opened = open_sqlite_database(options_in(folder), workers, workers);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kDiskFull);
  EXPECT_NE(opened.error().detail.find("balcony.db"), std::string::npos);
}

// ---- with a real limit

// No file of this process grows beyond this, as if the disk were full.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(SqliteFaults, TheLimitOfTheProcessIsAFullDisk) {
  TempFolder folder;
  SqliteOptions options = options_in(folder);
  options.reserve_bytes = 1 << 20;
  Opened<InlineWorkers> db(options);
  const std::string stanza(1'000, 'x');
  {
    const FileLimit limit(1'000'000);
    Result<> done;
    for (int i = 1'000; done; ++i) {
      ASSERT_LT(i, 5'000) << "the limit does not work";
      done = db.write(kRomeo, op::Append{"archive", row_of(std::to_string(i), stanza)});
    }
    EXPECT_EQ(done.error().code, Errc::kDiskFull) << done.error().to_string();
    EXPECT_FALSE(std::filesystem::exists(options.path + ".reserve")) << "given back";
    EXPECT_EQ(db.write(kRomeo, op::Append{"archive", row_of("z", stanza)}).error().code,
              Errc::kDiskFull);
    EXPECT_TRUE(db.database->counts().disk_full);
    const auto page = db.run(db.store->page(kRomeo, "archive", {}));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->rows.size(), 50U) << "reading goes on";
  }
  EXPECT_TRUE(db.write(kRomeo, op::Append{"archive", row_of("z", stanza)}));
  EXPECT_FALSE(db.database->counts().disk_full);
  EXPECT_TRUE(std::filesystem::exists(options.path + ".reserve")) << "taken again";
}

// A file system of its own, where the system lets the test have one.
class SmallDisk {
 public:
  SmallDisk() : path_(folder_.file("disk")) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=24m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  TempFolder folder_;
  std::string path_;
  bool mounted_ = false;
};

TEST(SqliteFaults, ASmallDiskFillsAndHealsInEachWay) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "no file system of our own: " << std::strerror(errno);
  const std::string ballast = disk.file("ballast");
  std::ofstream(ballast) << std::string(6 << 20, 'b');
  SqliteOptions options;
  options.path = disk.file("balcony.db");
  options.reserve_bytes = 4 << 20;
  Opened<InlineWorkers> db(options);
  int last = 10'000;
  const auto append = [&] {
    Batch batch;
    for (int i = 0; i < 20; ++i) {
      const std::string id = std::to_string(++last);
      batch.add(kRomeo, op::Append{"archive", row_of(id, std::string(1'000, 'x'), "word " + id)});
    }
    return db.run(db.store->write(std::move(batch)));
  };
  const auto fill = [&] {
    Result<> done;
    for (int i = 0; i < 2'000 && done; ++i) done = append();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kDiskFull) << done.error().to_string();
    EXPECT_FALSE(append());
    EXPECT_TRUE(db.database->counts().disk_full);
    EXPECT_FALSE(std::filesystem::exists(options.path + ".reserve"));
  };

  fill();
  std::filesystem::remove(ballast);
  EXPECT_TRUE(append()) << "somebody made room";
  EXPECT_FALSE(db.database->counts().disk_full);
  EXPECT_TRUE(std::filesystem::exists(options.path + ".reserve"));

  ArchiveQuery words;
  words.search = "word";
  EXPECT_GT(db.run(db.store->count(kRomeo, "archive", words)).value(), 1'000U);
  fill();
  // There is no room to index the new rows; without words all is found.
  EXPECT_EQ(db.run(db.store->count(kRomeo, "archive", words)).error().code, Errc::kDiskFull);
  EXPECT_GT(db.run(db.store->count(kRomeo, "archive", {})).value(), 1'000U);
  for (int id = 10'100; id < last - 100; id += 100) {
    const Result<> erased = db.write(kRomeo, op::EraseUpTo{"archive", std::to_string(id)});
    EXPECT_TRUE(erased) << id << ": " << erased.error().to_string();
  }
  EXPECT_TRUE(append()) << "erasing made room inside the file";
  EXPECT_FALSE(db.database->counts().disk_full);

  db.shut();
  db.open();
  EXPECT_TRUE(append());
  EXPECT_TRUE(db.run(db.store->find(kRomeo, "archive", std::to_string(last))).value());
}

}  // namespace
}  // namespace balcony::storage
