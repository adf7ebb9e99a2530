// What only the SQLite backend does: groups, bounds, schema versions, rows that cannot be read.
#include "storage/sqlite/account_keys.h"
#include "storage/sqlite/reserve.h"
#include "storage/test_tools.h"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

namespace balcony::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Does something to the file that no Balcony does.
void tamper(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_close(db);
}

// ---- groups

// Counts posts.
class CountingLoop final : public Loop {
 public:
  void post(Job job) override {
    ++posts;
    inner.post(std::move(job));
  }
  void at_end_of_turn(Job job) override { inner.at_end_of_turn(std::move(job)); }
  TimerId after(std::chrono::milliseconds delay, Job job) override {
    return inner.after(delay, std::move(job));
  }
  void cancel(TimerId timer) override { inner.cancel(timer); }
  const Clock& clock() const override { return inner.clock(); }
  bool is_current() const override { return true; }

  int posts = 0;
  ManualLoop inner;
};

TEST(SqliteGroups, ManyBatchesShareATransactionAndOnePostALoop) {
  TempFolder folder;
  SqliteOptions options = options_in(folder);
  options.group_rows_max = 200;
  Opened<LaterWorkers> db(options);
  CountingLoop first;
  CountingLoop second;
  const auto one = db.database->open(first);
  const auto two = db.database->open(second);
  int reports = 0;
  for (int i = 0; i < 250; ++i) {
    for (Store* store : {one.get(), two.get()}) {
      Batch batch;
      batch.add(kRomeo, op::Put{"map", std::to_string(i), "v"});
      store->when(store->commit(std::move(batch)), [&](Result<> done) { reports += !!done; });
    }
  }
  db.writer.run();
  EXPECT_EQ(first.posts, 3);
  EXPECT_EQ(second.posts, 3);
  EXPECT_EQ(reports, 0);
  first.inner.run();
  second.inner.run();
  EXPECT_EQ(reports, 500);
  EXPECT_EQ(db.database->counts().groups, 3U);
  EXPECT_EQ(db.database->counts().batches, 500U);
}

TEST(SqliteGroups, ManyShardsAreToldToWaitBeforeTheQueueIsFull) {
  TempFolder folder;
  Opened<LaterWorkers> db(options_in(folder));
  constexpr int kShards = 32;
  std::vector<std::unique_ptr<Store>> stores;
  int failed = 0;
  for (int shard = 0; shard < kShards; ++shard) {
    Store& store = *stores.emplace_back(db.database->open(db.loop));
    while (store.busy_until() == 0) {
      Batch batch;
      batch.add(kRomeo, op::Put{"map", std::to_string(shard), "v"});
      store.when(store.commit(std::move(batch)), [&](Result<> done) { failed += !done; });
    }
  }
  db.run_all();
  EXPECT_EQ(failed, 0);
}

TEST(SqliteGroups, LargeRowsMakeSmallGroups) {
  TempFolder folder;
  Opened<LaterWorkers> db(options_in(folder));
  for (int i = 0; i < 3; ++i) {
    Batch batch;
    batch.add(kRomeo, op::Put{"map", std::to_string(i), std::string(600'000, 'v')});
    db.store->commit(std::move(batch));
  }
  db.run_all();
  EXPECT_EQ(db.database->counts().groups, 3U);
  EXPECT_EQ(db.database->counts().batches, 3U);
}

TEST(SqliteGroups, ABatchThatFailsFailsAlone) {
  TempFolder folder;
  Opened<LaterWorkers> db(options_in(folder));
  std::string reports;
  const auto commit = [&](Batch batch) {
    const Ticket ticket = db.store->commit(std::move(batch));
    db.store->when(ticket, [&reports](Result<> done) { reports += done ? '+' : '-'; });
  };
  commit(std::move(Batch().add("a@x.example", op::Put{"map", "k", "1"})));
  commit(std::move(Batch()
                       .add("b@x.example", op::Put{"map", "k", "never"})
                       .add("a@x.example", op::PutIfVersion{"map", "k", "never", 5})));
  commit(std::move(Batch().add("b@x.example", op::Put{"map", "l", "1"})));
  commit(std::move(Batch().add("a@x.example", op::PutIfVersion{"map", "k", "2", 1})));
  db.run_all();
  EXPECT_EQ(reports, "+-++");
  EXPECT_EQ(db.database->counts().groups, 1U);
  EXPECT_EQ(db.get("a@x.example", "k"), "2");
  EXPECT_EQ(db.get("b@x.example", "k"), "none");
  EXPECT_EQ(db.get("b@x.example", "l"), "1");
}

TEST(SqliteGroups, TheQueueIsBounded) {
  TempFolder folder;
  SqliteOptions options = options_in(folder);
  options.queue_batches_max = 2;
  Opened<LaterWorkers> db(options);
  std::vector<std::string> reports;
  for (int i = 0; i < 4; ++i) {
    Batch batch;
    batch.add(kRomeo, op::Put{"map", std::to_string(i), "v"});
    db.store->when(db.store->commit(std::move(batch)), [&reports](Result<> done) {
      reports.emplace_back(done ? "done" : to_string(done.error().code));
    });
  }
  db.loop.run();
  EXPECT_TRUE(reports.empty()) << "in the order of the tickets: the first two are not done";
  db.run_all();
  EXPECT_THAT(reports, ElementsAre("done", "done", "overloaded", "overloaded"));
  EXPECT_EQ(db.get(kRomeo, "1"), "v");
  EXPECT_EQ(db.get(kRomeo, "2"), "none");
}

TEST(SqliteGroups, AFullPoolIsAnErrorThatPasses) {
  TempFolder folder;
  Opened<LaterWorkers> db(options_in(folder));
  db.writer.full = true;
  EXPECT_EQ(db.write(kRomeo, op::Put{"map", "k", "v"}).error().code, Errc::kOverloaded);
  ArchiveQuery words;
  words.search = "word";
  EXPECT_EQ(db.run(db.store->page(kRomeo, "map", words)).error().code, Errc::kOverloaded);
  db.writer.full = false;
  db.reader.full = true;
  EXPECT_EQ(db.run(db.store->get(kRomeo, "map", "k")).error().code, Errc::kOverloaded);
  db.reader.full = false;
  EXPECT_TRUE(db.write(kRomeo, op::Put{"map", "k", "v"}));
  EXPECT_EQ(db.get(kRomeo, "k"), "v");
}

TEST(SqliteGroups, TheLogIsCopiedAndDoesNotGrowForEver) {
  TempFolder folder;
  Opened<InlineWorkers> db(options_in(folder));
  const std::string stanza(2'000, 'x');
  for (int i = 0; i < 300; ++i) {
    Batch batch;
    for (int j = 0; j < 200; ++j) {
      batch.add(kRomeo, op::Append{"archive", row_of(std::to_string(1000 * i + j), stanza)});
    }
    ASSERT_TRUE(db.run(db.store->write(std::move(batch))));
  }
  EXPECT_LT(std::filesystem::file_size(db.options.path + "-wal"), 80U << 20);
  EXPECT_GT(std::filesystem::file_size(db.options.path), 100U << 20);
  db.shut();
  EXPECT_FALSE(std::filesystem::exists(db.options.path + "-wal"));
}

TEST(SqliteSearch, ManyRowsAreIndexedInStepsBetweenTheGroups) {
  TempFolder folder;
  Opened<LaterWorkers> db(options_in(folder));
  Batch batch;
  for (int i = 0; i < 2'600; ++i) {
    batch.add(kRomeo, op::Append{"archive", row_of(std::to_string(10'000 + i), "<m/>", "soft")});
  }
  ASSERT_TRUE(db.run(db.store->write(std::move(batch))));
  ArchiveQuery words;
  words.search = "SOFT";
  EXPECT_EQ(db.run(db.store->count(kRomeo, "archive", words)).value(), 2'600U);
  ASSERT_TRUE(db.write(kRomeo, op::EraseUpTo{"archive", "12598"}));
  db.shut();
  // The index remembers across a restart, and numbers of erased rows do not come again.
  db.open();
  ASSERT_TRUE(db.write(kRomeo, op::EraseStore{"archive"}));
  db.shut();
  db.open();
  ASSERT_TRUE(db.write(kRomeo, op::Append{"archive", row_of("x", "<m/>", "soft light")}));
  const auto found = db.run(db.store->page(kRomeo, "archive", words));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->rows[0].id, "x");
}

// ---- files that are not as they should be

TEST(SqliteFile, IsPrivate) {
  TempFolder folder;
  Opened<InlineWorkers> db(options_in(folder));
  ASSERT_TRUE(db.write(kRomeo, op::Put{"map", "k", "v"}));
  for (const char* suffix : {"", "-wal", "-shm", ".reserve"}) {
    struct stat found{};
    ASSERT_EQ(::stat((db.options.path + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777U, 0600U) << suffix;
  }
}

Error open_error(const std::string& path) {
  InlineWorkers workers;
  SqliteOptions options;
  options.path = path;
  auto opened = open_sqlite_database(options, workers, workers);
  EXPECT_FALSE(opened);
  return opened ? Error(Errc::kConflict) : opened.error();
}

TEST(SqliteFile, ANewerSchemaIsRefusedInPlainWords) {
  TempFolder folder;
  const SqliteOptions options = options_in(folder);
  Opened<InlineWorkers>(options).write(kRomeo, op::Put{"map", "k", "v"}).value();
  tamper(options.path, "PRAGMA user_version=99");
  const Error error = open_error(options.path);
  EXPECT_EQ(error.code, Errc::kVersion);
  EXPECT_THAT(error.detail, HasSubstr("newer Balcony"));
  EXPECT_THAT(error.detail, HasSubstr(options.path));
}

TEST(SqliteFile, WhatIsNoDatabaseOfOursIsLeftAlone) {
  TempFolder folder;
  tamper(folder.file("other.db"), "CREATE TABLE cats (name)");
  EXPECT_THAT(open_error(folder.file("other.db")).detail, HasSubstr("another program"));
  std::ofstream(folder.file("text.db")) << std::string(5'000, 'x');
  EXPECT_EQ(open_error(folder.file("text.db")).code, Errc::kIo);
  EXPECT_THAT(open_error(folder.file("text.db")).detail, HasSubstr("text.db"));
  EXPECT_THAT(open_error(folder.file("no/such/folder.db")).detail, HasSubstr("folder.db"));
}

TEST(SqliteFile, WhatCannotBeReadIsLeftOutAndCounted) {
  TempFolder folder;
  Opened<InlineWorkers> db(options_in(folder));
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(db.write(kRomeo, op::Append{"archive", row_of(id)}));
    Account account;
    account.user = id;
    account.keys.push_back({"SHA-1", 4'096, "salt", "stored", "server"});
    ASSERT_TRUE(db.write("x.example", op::PutAccount{account}));
  }
  db.shut();
  tamper(db.options.path,
         "DELETE FROM stanza WHERE id = 2; UPDATE account SET keys = x'0100' WHERE user = 'a'");
  db.open();
  const auto page = db.run(db.store->page(kRomeo, "archive", {}));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->rows.size(), 2U);
  EXPECT_EQ(page->rows[1].id, "c");
  EXPECT_TRUE(page->complete);
  EXPECT_FALSE(db.run(db.store->find(kRomeo, "archive", "b")).value());
  const auto accounts = db.run(db.store->accounts("x.example", "", 2));
  ASSERT_TRUE(accounts);
  ASSERT_EQ(accounts->size(), 2U) << "a short page would mean the end";
  EXPECT_EQ((*accounts)[1].user, "c");
  EXPECT_FALSE(db.run(db.store->account("x.example", "a")).value());
  EXPECT_EQ(db.run(db.store->account_counts("x.example")).value().accounts, 2U);
  EXPECT_EQ(db.database->counts().corrupt, 5U);
  // And it can be erased or replaced.
  EXPECT_TRUE(db.write(kRomeo, op::Replace{"archive", "b", "<x/>", ""}));
  EXPECT_TRUE(db.write(kRomeo, op::EraseRow{"archive", "b"}));
  EXPECT_EQ(db.run(db.store->count(kRomeo, "archive", {})).value(), 2U);
}

TEST(SqliteFile, APageThatIsDamagedIsAnErrorAndNoEnd) {
  TempFolder folder;
  Opened<InlineWorkers> db(options_in(folder));
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(db.write(kRomeo, op::Put{"map", std::to_string(i), std::string(100, 'v')}));
  }
  db.shut();
  {
    // All pages but the first ones, which hold the schema.
    std::fstream file(db.options.path, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(db.options.path);
    for (std::uintmax_t at = 40 * 4096; at + 4096 < size; at += 4096) {
      file.seekp(static_cast<std::streamoff>(at));
      file << std::string(64, '\x5a');
    }
  }
  auto opened = open_sqlite_database(db.options, db.writer, db.reader);
  if (!opened) return;  // told at the start is as good
  db.database = *std::move(opened);
  db.store = db.database->open(db.loop);
  int errors = 0;
  for (int i = 0; i < 2'000; ++i) {
    const auto value = db.run(db.store->get(kRomeo, "map", std::to_string(i)));
    errors += !value && value.error().code == Errc::kIo;
    static_cast<void>(db.write(kRomeo, op::Put{"map", std::to_string(i), "new"}));
  }
  EXPECT_GT(errors, 0);
  EXPECT_TRUE(db.write("x.example", op::EraseAccount{"nobody"})) << "the rest goes on";
}

// ---- parts

TEST(Reserve, TakesAndGivesRoom) {
  TempFolder folder;
  const std::string path = folder.file("reserve");
  Reserve reserve(path, 1 << 20);
  EXPECT_FALSE(reserve.release()) << "nothing is held yet";
  EXPECT_TRUE(reserve.create());
  EXPECT_TRUE(reserve.create());
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_GE(found.st_blocks * 512, 1 << 20) << "blocks, not only a length";
  EXPECT_TRUE(reserve.release());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(reserve.release());
}

TEST(AccountKeys, AreReadBackOrRefused) {
  const std::vector<ScramKeys> keys = {{"SHA-1", 4'294'967'295U, std::string("\0s", 2), "a", ""},
                                       {"SHA-512", 0, "", std::string(64, '\xff'), "b"}};
  const std::string bytes = encode_keys(keys);
  const auto read = decode_keys(bytes);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].iterations, 4'294'967'295U);
  EXPECT_EQ((*read)[0].salt, std::string("\0s", 2));
  EXPECT_EQ((*read)[1].stored_key, std::string(64, '\xff'));
  EXPECT_EQ(encode_keys(*read), bytes);
  EXPECT_TRUE(decode_keys(encode_keys({})).value().empty());
  std::size_t whole = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    whole += decode_keys(bytes.substr(0, size)).has_value();
  }
  EXPECT_EQ(whole, 2U) << "after the format and after the first key";
  EXPECT_FALSE(decode_keys("\x02"));
  EXPECT_FALSE(decode_keys(std::string("\x01\xff\xff\xff\xffSHA", 8)));
}

}  // namespace
}  // namespace balcony::storage
