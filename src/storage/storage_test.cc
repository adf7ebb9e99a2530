// The one test suite for every backend: each test runs against memory, against SQLite, and against
// SQLite that is closed and opened again before each look at it.
#include "storage/storage.h"

#include "base/log.h"
#include "base/manual_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace balcony::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kRomeo = "romeo@montague.example";
constexpr const char* kJuliet = "juliet@capulet.example";

WallTime at(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

template <class T>
Task<> keep(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
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

// ---- map

TEST_P(StorageTest, WhatWasPutIsRead) {
  put(kRomeo, "roster", kJuliet, "both");
  EXPECT_EQ(text(kRomeo, "roster", kJuliet), "both#1");
  put(kRomeo, "roster", kJuliet, "from");
  EXPECT_EQ(text(kRomeo, "roster", kJuliet), "from#2");
  EXPECT_EQ(text(kRomeo, "roster", "nobody"), "none");
  EXPECT_EQ(text(kRomeo, "vcard", kJuliet), "none");
  EXPECT_EQ(text(kJuliet, "roster", kJuliet), "none");
}

TEST_P(StorageTest, BytesOfAnyKindSurvive) {
  const std::string key("a\0b\xff\xfe", 5);
  std::string value("\0\x80 '\"\n", 6);
  value += std::string(300'000, 'x');
  put(kRomeo, "map", key, value);
  put(kRomeo, "map", "empty", "");
  EXPECT_EQ(get(kRomeo, "map", key)->value, value);
  EXPECT_EQ(text(kRomeo, "map", "empty"), "#1");
  EXPECT_THAT(keys("", "", 10), ElementsAre(key, "empty"));
}

TEST_P(StorageTest, AVersionThatIsNotMetChangesNothingOfTheBatch) {
  EXPECT_TRUE(write(kRomeo, op::PutIfVersion{"map", "k", "one", 0}));
  EXPECT_EQ(text(kRomeo, "map", "k"), "one#1");
  EXPECT_TRUE(write(kRomeo, op::PutIfVersion{"map", "k", "two", 1}));

  append(row("a", kJuliet, 1));
  Batch batch;
  batch.add(kRomeo, op::Put{"map", "k", "three"})
      .add(kRomeo, op::Put{"map", "other", "x"})
      .add("newcomer@verona.example", op::Put{"map", "k", "x"})
      .add(kRomeo, op::EraseRow{"archive", "a"})
      .add(kRomeo, op::Append{"archive", row("b", kJuliet, 2)})
      .add(kRomeo, op::PutIfVersion{"map", "k", "four", 2});
  const Result<> failed = write(std::move(batch));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kVersion);
  EXPECT_EQ(text(kRomeo, "map", "k"), "two#2");
  EXPECT_EQ(text(kRomeo, "map", "other"), "none");
  EXPECT_EQ(text("newcomer@verona.example", "map", "k"), "none");
  EXPECT_EQ(page({}), "a");
  // The newcomer's name was forgotten with the batch, and can come again.
  put("newcomer@verona.example", "map", "k", "y");
  EXPECT_EQ(text("newcomer@verona.example", "map", "k"), "y#1");
}

TEST_P(StorageTest, VersionZeroMeansThatTheKeyMustNotExist) {
  put(kRomeo, "map", "k", "v");
  EXPECT_EQ(write(kRomeo, op::PutIfVersion{"map", "k", "w", 0}).error().code, Errc::kVersion);
  EXPECT_EQ(write(kRomeo, op::PutIfVersion{"map", "new", "w", 1}).error().code, Errc::kVersion);
  EXPECT_TRUE(write(kRomeo, op::Erase{"map", "k"}));
  EXPECT_TRUE(write(kRomeo, op::PutIfVersion{"map", "k", "w", 0}));
  EXPECT_EQ(text(kRomeo, "map", "k"), "w#1");
}

TEST_P(StorageTest, TheOperationsOfABatchTakeEffectInTheirOrder) {
  Batch batch;
  batch.add(kRomeo, op::Put{"map", "k", "1"})
      .add(kRomeo, op::PutIfVersion{"map", "k", "2", 1})
      .add(kRomeo, op::Erase{"map", "k"})
      .add(kRomeo, op::Put{"map", "k", "3"});
  EXPECT_TRUE(write(std::move(batch)));
  EXPECT_EQ(text(kRomeo, "map", "k"), "3#1");
}

TEST_P(StorageTest, ScansByPrefixInOrderAndInPages) {
  for (const char* key : {"b/2", "a", "b/1", "b", "c", "b/3", "b\xff", "b\xff\xff"}) {
    put(kRomeo, "map", key, "v");
  }
  put(kJuliet, "map", "b/9", "v");
  EXPECT_THAT(keys("b/", "", 10), ElementsAre("b/1", "b/2", "b/3"));
  EXPECT_THAT(keys("b/", "", 2), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(keys("b/", "b/2", 2), ElementsAre("b/3"));
  EXPECT_THAT(keys("b/", "b", 2), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(keys("b/", "c", 2), IsEmpty());
  EXPECT_THAT(keys("b\xff", "", 10), ElementsAre("b\xff", "b\xff\xff"));
  EXPECT_THAT(keys("", "b/3", 10), ElementsAre("b\xff", "b\xff\xff", "c"));
  EXPECT_THAT(keys("x", "", 10), IsEmpty());
}

// ---- erasing

TEST_P(StorageTest, ErasesAKeyAStoreAndAnOwner) {
  put(kRomeo, "map", "k", "v");
  put(kRomeo, "map", "l", "v");
  put(kRomeo, "archive", "also a map", "v");
  five_rows();
  EXPECT_TRUE(write(kRomeo, op::Erase{"map", "k"}));
  EXPECT_TRUE(write(kRomeo, op::Erase{"map", "never there"}));
  EXPECT_TRUE(write("stranger@x.example", op::Erase{"map", "k"}));
  EXPECT_EQ(text(kRomeo, "map", "k"), "none");
  EXPECT_EQ(text(kRomeo, "map", "l"), "v#1");

  EXPECT_TRUE(write(kRomeo, op::EraseStore{"archive"}));
  EXPECT_EQ(page({}), "");
  EXPECT_EQ(text(kRomeo, "archive", "also a map"), "none");
  EXPECT_EQ(text(kRomeo, "map", "l"), "v#1");

  five_rows();
  put(kJuliet, "map", "k", "hers");
  EXPECT_TRUE(write(kRomeo, op::EraseOwner{}));
  EXPECT_EQ(text(kRomeo, "map", "l"), "none");
  EXPECT_EQ(page({}), "");
  EXPECT_EQ(text(kJuliet, "map", "k"), "hers#1");
  put(kRomeo, "map", "k", "again");
  EXPECT_EQ(text(kRomeo, "map", "k"), "again#1");
}

TEST_P(StorageTest, ErasesRowsByIdAndByTime) {
  five_rows();
  EXPECT_TRUE(write(kRomeo, op::EraseRow{"archive", "c"}));
  EXPECT_TRUE(write(kRomeo, op::EraseRow{"archive", "zz"}));
  EXPECT_EQ(page({}), "a b d e");
  EXPECT_TRUE(write(kRomeo, op::EraseUpTo{"archive", "b"}));
  EXPECT_EQ(page({}), "d e");
  append(row("f", kJuliet, 5));
  EXPECT_TRUE(write(kRomeo, op::EraseBefore{"archive", at(50)}));
  EXPECT_EQ(page({}), "e");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "d")), std::nullopt);
}

// ---- archive

TEST_P(StorageTest, ARowComesBackAsItWas) {
  ArchiveRow made = row("a", kJuliet, 7, "soft light");
  made.when += std::chrono::milliseconds(123);
  append(made);
  const auto found = ok(store().find(kRomeo, "archive", "a"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "a");
  EXPECT_EQ(found->with, kJuliet);
  EXPECT_EQ(found->when, made.when);
  EXPECT_EQ(found->origin_id, "origin-a");
  EXPECT_EQ(found->stanza, "<message id='a'/>");
  EXPECT_EQ(found->search, "soft light");
  EXPECT_EQ(ok(store().find(kJuliet, "archive", "a")), std::nullopt);
  const ArchivePage whole = ok(store().page(kRomeo, "archive", {}));
  ASSERT_EQ(whole.rows.size(), 1U);
  EXPECT_EQ(whole.rows[0].stanza, "<message id='a'/>");
  EXPECT_EQ(whole.rows[0].with, kJuliet);
}

TEST_P(StorageTest, PagesForwardsAndBackwards) {
  EXPECT_EQ(page({}), "");
  five_rows();
  EXPECT_EQ(page({}), "a b c d e");
  EXPECT_EQ(page({.limit = 5}), "a b c d e");
  EXPECT_EQ(page({.limit = 2}), "a b …");
  EXPECT_EQ(page({.after = "b", .limit = 2}), "c d …");
  EXPECT_EQ(page({.after = "c", .limit = 2}), "d e");
  EXPECT_EQ(page({.after = "bb", .limit = 2}), "c d …") << "an unknown id is a position";
  EXPECT_EQ(page({.after = "e"}), "");
  EXPECT_EQ(page({.limit = 2, .backwards = true}), "d e …");
  EXPECT_EQ(page({.before = "d", .limit = 2, .backwards = true}), "b c …");
  EXPECT_EQ(page({.before = "b", .limit = 2, .backwards = true}), "a");
  EXPECT_EQ(page({.after = "a", .before = "d"}), "b c");
  EXPECT_EQ(page({.after = "d", .before = "b"}), "");
  EXPECT_EQ(page({.after = "d", .before = "b", .backwards = true}), "");
}

TEST_P(StorageTest, FiltersByOtherSideAndTime) {
  five_rows();
  EXPECT_EQ(page({.with = kJuliet}), "a c e");
  EXPECT_EQ(page({.with = kJuliet, .limit = 2}), "a c …");
  EXPECT_EQ(page({.with = kJuliet, .limit = 2, .backwards = true}), "c e …");
  EXPECT_EQ(page({.with = "nobody@x.example"}), "");
  EXPECT_EQ(page({.start = at(20), .end = at(40)}), "b c d");
  EXPECT_EQ(page({.start = at(41)}), "e");
  EXPECT_EQ(page({.with = kJuliet, .end = at(30)}), "a c");
  EXPECT_EQ(page({.after = "a", .with = kJuliet, .start = at(1)}), "c e");
}

TEST_P(StorageTest, FindsWords) {
  five_rows();
  EXPECT_EQ(page({.search = "light"}), "a e");
  EXPECT_EQ(page({.search = "name WORD"}), "e");
  EXPECT_EQ(page({.search = "\"name\" OR (light)"}), "") << "words, not operators";
  EXPECT_EQ(page({.search = "nam"}), "") << "whole words";
  EXPECT_EQ(page({.search = "?!"}), "");
  EXPECT_EQ(page({.with = kJuliet, .search = "what", .limit = 1}), "a …");
  append(row("f", kJuliet, 60, "light again"));
  EXPECT_EQ(page({.search = "light", .limit = 1, .backwards = true}), "f …");
  EXPECT_EQ(count({.search = "light"}), 3U);
  ASSERT_TRUE(write(kJuliet, op::Append{"archive", row("x", kRomeo, 1, "light")}));
  EXPECT_EQ(count({.search = "light"}), 3U) << "the owner's rows only";
}

TEST_P(StorageTest, WhatIsErasedOrReplacedIsNotFoundByItsWords) {
  five_rows();
  EXPECT_EQ(page({.search = "light"}), "a e");
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "a", "<message>gone</message>", ""}));
  EXPECT_EQ(page({.search = "light"}), "e");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "a"))->search, "");
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "b", "<message/>", "new light"}));
  EXPECT_EQ(page({.search = "light"}), "b e");
  EXPECT_EQ(page({.search = "madam"}), "");
  EXPECT_TRUE(write(kRomeo, op::EraseUpTo{"archive", "e"}));
  EXPECT_EQ(page({.search = "light"}), "");
  append(row("a", kJuliet, 1, "another light"));
  EXPECT_EQ(page({.search = "light"}), "a");
}

TEST_P(StorageTest, Counts) {
  EXPECT_EQ(count({}), 0U);
  five_rows();
  EXPECT_EQ(count({.limit = 1}), 5U);
  EXPECT_EQ(count({.with = kJuliet}), 3U);
  EXPECT_EQ(count({.after = "a", .before = "e"}), 3U);
  EXPECT_EQ(count({.start = at(20), .end = at(20)}), 1U);
}

TEST_P(StorageTest, ReplacesAStanza) {
  five_rows();
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "b", "<tombstone/>", ""}));
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "unknown", "<x/>", ""}));
  EXPECT_TRUE(write("stranger@x.example", op::Replace{"archive", "b", "<x/>", ""}));
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "b"))->stanza, "<tombstone/>");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "b"))->when, at(20));
  EXPECT_EQ(page({}), "a b c d e");
}

TEST_P(StorageTest, AnIdThatComesAgainReplacesItsRow) {
  append(row("a", kJuliet, 1, "old words"));
  EXPECT_EQ(page({.search = "old"}), "a");
  append(row("a", "nurse@capulet.example", 2, "new words"));
  EXPECT_EQ(page({}), "a");
  EXPECT_EQ(page({.search = "old"}), "");
  EXPECT_EQ(page({.with = "nurse@capulet.example", .search = "new"}), "a");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "a"))->when, at(2));
}

TEST_P(StorageTest, FindsByOriginId) {
  five_rows();
  EXPECT_EQ(ok(store().find_origin(kRomeo, "archive", kJuliet, "origin-c"))->id, "c");
  EXPECT_EQ(ok(store().find_origin(kRomeo, "archive", kJuliet, "origin-b")), std::nullopt);
  EXPECT_EQ(ok(store().find_origin(kRomeo, "archive", kJuliet, "")), std::nullopt);
  ArchiveRow again = row("f", kJuliet, 60);
  again.origin_id = "origin-c";
  append(again);
  EXPECT_EQ(ok(store().find_origin(kRomeo, "archive", kJuliet, "origin-c"))->id, "f")
      << "the latest";
}

TEST_P(StorageTest, AnArchiveOfManyRowsIsReadToItsEnd) {
  constexpr int kRows = 45'000;
  Batch batch;
  for (int i = 0; i < kRows; ++i) {
    ArchiveRow made =
        row(std::to_string(100'000 + i), i % 15'000 == 7 ? kJuliet : "x@y.example", i);
    batch.add(kRomeo, op::Append{"archive", std::move(made)});
  }
  ASSERT_TRUE(write(std::move(batch)));
  EXPECT_EQ(count({}), static_cast<std::uint64_t>(kRows));
  EXPECT_EQ(page({.with = kJuliet}), "100007 115007 130007");
  EXPECT_EQ(page({.with = kJuliet, .limit = 2}), "100007 115007 …");
  EXPECT_EQ(page({.with = kJuliet, .limit = 2, .backwards = true}), "115007 130007 …");
  EXPECT_EQ(page({.with = kJuliet, .start = at(20'000), .limit = 1}), "130007");
  EXPECT_EQ(ok(store().find_origin(kRomeo, "archive", kJuliet, "origin-100007"))->id, "100007");
  EXPECT_TRUE(write(kRomeo, op::EraseBefore{"archive", at(44'999)}));
  EXPECT_EQ(page({}), "144999");
}

// ---- owners and accounts

TEST_P(StorageTest, ListsTheOwnersOfAStore) {
  for (const char* owner : {"c@x.example", "a@x.example", "b@x.example", "d@x.example"}) {
    put(owner, "map", "k", "v");
  }
  ASSERT_TRUE(write("e@x.example", op::Append{"map", row("a", kJuliet, 1)}));
  put("z@x.example", "other", "k", "v");
  ASSERT_TRUE(write("b@x.example", op::EraseOwner{}));
  ASSERT_TRUE(write("d@x.example", op::Erase{"map", "k"}));
  EXPECT_THAT(ok(store().owners("map", "", 10)),
              ElementsAre("a@x.example", "c@x.example", "e@x.example"));
  EXPECT_THAT(ok(store().owners("map", "", 1)), ElementsAre("a@x.example"));
  EXPECT_THAT(ok(store().owners("map", "a@x.example", 1)), ElementsAre("c@x.example"));
  EXPECT_THAT(ok(store().owners("none", "", 10)), IsEmpty());
}

Account account_of(std::string user, std::vector<std::string> hashes) {
  Account account;
  account.user = std::move(user);
  account.created = at(3);
  for (std::string& hash : hashes) {
    account.keys.push_back({std::move(hash), 10'000, std::string("s\0lt", 4), "stored", "server"});
  }
  return account;
}

TEST_P(StorageTest, KeepsAccounts) {
  Account juliet = account_of("juliet", {"SHA-1", "SHA-256"});
  juliet.disabled = true;
  ASSERT_TRUE(write("capulet.example", op::PutAccount{juliet}));
  const auto found = ok(store().account("capulet.example", "juliet"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "juliet");
  EXPECT_TRUE(found->disabled);
  EXPECT_EQ(found->created, at(3));
  ASSERT_EQ(found->keys.size(), 2U);
  EXPECT_EQ(found->keys[1].hash, "SHA-256");
  EXPECT_EQ(found->keys[1].iterations, 10'000U);
  EXPECT_EQ(found->keys[1].salt, std::string("s\0lt", 4));
  EXPECT_EQ(found->keys[1].stored_key, "stored");
  EXPECT_EQ(found->keys[1].server_key, "server");
  EXPECT_FALSE(ok(store().account("montague.example", "juliet")));

  ASSERT_TRUE(write("capulet.example", op::PutAccount{account_of("juliet", {})}));
  EXPECT_TRUE(ok(store().account("capulet.example", "juliet"))->keys.empty());
  EXPECT_FALSE(ok(store().account("capulet.example", "juliet"))->disabled);
}

TEST_P(StorageTest, ListsAndCountsTheAccountsOfAHost) {
  Batch batch;
  batch.add("x.example", op::PutAccount{account_of("b", {"SHA-1"})})
      .add("x.example", op::PutAccount{account_of("a", {"SHA-256", "SHA-1"})})
      .add("x.example", op::PutAccount{account_of("c", {})})
      .add("y.example", op::PutAccount{account_of("d", {"SHA-512"})});
  ASSERT_TRUE(write(std::move(batch)));
  const auto users = [&](const char* after, std::uint32_t limit) {
    std::string names;
    for (const Account& each : ok(store().accounts("x.example", after, limit))) names += each.user;
    return names;
  };
  EXPECT_EQ(users("", 10), "abc");
  EXPECT_EQ(users("", 2), "ab");
  EXPECT_EQ(users("b", 2), "c");
  const auto counts = ok(store().account_counts("x.example"));
  EXPECT_EQ(counts.accounts, 3U);
  EXPECT_THAT(counts.with_keys, ElementsAre(Pair("SHA-1", 2U), Pair("SHA-256", 1U)));
  EXPECT_EQ(ok(store().account_counts("z.example")).accounts, 0U);
}

TEST_P(StorageTest, RemovingAnAccountTakesItsOwnerAlong) {
  put("c@x.example", "map", "k", "v");
  ASSERT_TRUE(write("x.example", op::PutAccount{account_of("c", {"SHA-1"})}));
  ASSERT_TRUE(write("x.example", op::EraseOwner{}));
  EXPECT_TRUE(ok(store().account("x.example", "c"))) << "accounts are not the host's map";
  Batch batch;
  batch.add("x.example", op::EraseAccount{"c"}).add("c@x.example", op::EraseOwner{});
  ASSERT_TRUE(write(std::move(batch)));
  EXPECT_FALSE(ok(store().account("x.example", "c")));
  EXPECT_EQ(text("c@x.example", "map", "k"), "none");
}

// ---- tickets

TEST_P(StorageTest, ReportsComeInTheOrderOfTicketsAndNeverInsideCommit) {
  std::vector<std::string> reports;
  const auto note = [&](std::string what) {
    return [&reports, what](Result<> result) {
      reports.push_back(what + (result ? "" : " " + std::string(to_string(result.error().code))));
    };
  };
  const auto putting = [](std::uint64_t version) {
    Batch batch;
    batch.add(kRomeo, op::PutIfVersion{"map", "k", "v", version});
    return batch;
  };
  const Ticket one = store_->commit(putting(0));
  const Ticket two = store_->commit(putting(0));
  const Ticket three = store_->commit(putting(1));
  EXPECT_EQ(one, 1U);
  EXPECT_EQ(three, 3U);
  store_->when(three, note("three"));
  store_->when(one, note("one"));
  store_->when(two, note("two"));
  store_->when(two, note("two again"));
  EXPECT_THAT(reports, IsEmpty());
  loop_.run();
  EXPECT_THAT(reports,
              ElementsAre("one", "two version-mismatch", "two again version-mismatch", "three"));

  store_->when(one, note("late"));
  store_->when(0, note("nothing"));
  EXPECT_EQ(reports.size(), 6U) << "at once for what is long done";
  EXPECT_EQ(reports[5], "nothing");
}

TEST_P(StorageTest, AnEmptyBatchIsDoneAtOnce) {
  EXPECT_EQ(store_->commit({}), 0U);
  std::optional<Result<>> done;
  spawn(keep(store_->write({}), done));
  EXPECT_TRUE(done && *done);
}

TEST_P(StorageTest, AReadSeesWhatWasCommittedBefore) {
  for (int i = 0; i < 100; ++i) {
    Batch batch;
    batch.add(kRomeo, op::Put{"map", "k", std::to_string(i)});
    store_->commit(std::move(batch));
  }
  EXPECT_EQ(ok(store_->get(kRomeo, "map", "k"))->value, "99");
}

TEST_P(StorageTest, AReportMayCommitAndReadAgain) {
  std::optional<Result<std::optional<Value>>> read;
  Batch batch;
  batch.add(kRomeo, op::Put{"map", "k", "1"});
  store_->when(store_->commit(std::move(batch)), [&](Result<>) {
    Batch next;
    next.add(kRomeo, op::Put{"map", "k", "2"});
    store_->commit(std::move(next));
    spawn(keep(store_->get(kRomeo, "map", "k"), read));
  });
  loop_.run();
  ASSERT_TRUE(read && *read && **read);
  EXPECT_EQ((**read)->value, "2");
}

TEST_P(StorageTest, AHandleMayGoBeforeItsReports) {
  bool told = false;
  Batch batch;
  batch.add(kRomeo, op::Put{"map", "k", "v"});
  store_->when(store_->commit(std::move(batch)), [&](Result<>) { told = true; });
  store_.reset();
  loop_.run();
  EXPECT_FALSE(told);
  store_ = database_->open(loop_);
  EXPECT_EQ(ok(store_->get(kRomeo, "map", "k"))->value, "v");
}

TEST_P(StorageTest, TwoHandlesSeeTheSameData) {
  if (GetParam().reopen) GTEST_SKIP() << "a handle goes with its database";
  const auto other = database_->open(loop_);
  put(kRomeo, "map", "k", "v");
  EXPECT_EQ(ok(other->get(kRomeo, "map", "k"))->value, "v");
}

TEST_P(StorageTest, AClosedDatabaseRefuses) {
  Batch batch;
  batch.add(kRomeo, op::Put{"map", "k", "v"});
  std::optional<Result<>> before;
  spawn(keep(store_->write(batch), before));
  database_->close();
  database_->close();
  const Result<> after = run(store_->write(batch));
  ASSERT_TRUE(before.has_value());
  EXPECT_TRUE(*before);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Errc::kClosed);
}

TEST_P(StorageTest, CountsWhatWasCommitted) {
  if (GetParam().reopen) GTEST_SKIP() << "the counts begin anew";
  put(kRomeo, "map", "k", "v");
  EXPECT_FALSE(write(kRomeo, op::PutIfVersion{"map", "k", "v", 7}));
  const DatabaseCounts counts = database_->counts();
  EXPECT_EQ(counts.batches, 1U);
  EXPECT_EQ(counts.rows, 1U);
  EXPECT_EQ(counts.failed, 1U);
  EXPECT_EQ(counts.corrupt, 0U);
  EXPECT_FALSE(counts.disk_full);
}

INSTANTIATE_TEST_SUITE_P(Backends, StorageTest,
                         testing::Values(Backend{"Memory", false, false},
                                         Backend{"Sqlite", true, false},
                                         Backend{"SqliteReopened", true, true}),
                         [](const auto& test) { return test.param.name; });

// ---- ids

TEST(ArchiveId, SortsByTimeAndByOrder) {
  const std::string first = archive_id(at(0));
  EXPECT_EQ(first.size(), 18U);
  std::vector<std::string> ids{first};
  for (int i = 0; i < 1'000; ++i) ids.push_back(archive_id(at(0)));
  ids.push_back(archive_id(at(-2)));  // the clock was set back
  ids.push_back(archive_id(at(1)));
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
  EXPECT_LT(archive_id(at(-1'000)), first) << "an import's old message";
  EXPECT_EQ(
      first.find_first_not_of("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
      std::string::npos);
}

}  // namespace
}  // namespace balcony::storage
