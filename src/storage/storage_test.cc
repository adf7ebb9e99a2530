// The suite for every backend: map, erasing, owners, accounts, tickets; archive_test.cc has the
// rest.
#include "storage/suite.h"

namespace balcony::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

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
  Account weak = account_of("b", {"SHA-1"});
  weak.keys.front().iterations = 4'096;
  Batch batch;
  batch.add("x.example", op::PutAccount{weak})
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
  EXPECT_THAT(counts.iterations_min, ElementsAre(Pair("SHA-1", 4'096U), Pair("SHA-256", 10'000U)));
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

INSTANTIATE_TEST_SUITE_P(Backends, StorageTest, all_backends(),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace balcony::storage
