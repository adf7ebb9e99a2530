// The suite for every backend: the archive, and the ids of its rows.
#include "storage/suite.h"

#include <set>

namespace balcony::storage {
namespace {

class ArchiveTest : public StorageTest {};

TEST_P(ArchiveTest, ARowComesBackAsItWas) {
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

TEST_P(ArchiveTest, PagesForwardsAndBackwards) {
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

TEST_P(ArchiveTest, FiltersByOtherSideAndTime) {
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

TEST_P(ArchiveTest, FindsWords) {
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

TEST_P(ArchiveTest, WordsOfAnyKindMayBeAskedFor) {
  append(row("a", kJuliet, 1, "Na\u00efve caf\u00e9 \u2014 o1s1 words"));
  EXPECT_EQ(page({.search = "caf\u00e9"}), "a");
  EXPECT_EQ(page({.search = "o1s1"}), "a");
  EXPECT_EQ(page({.search = "scope:o1s1"}), "") << "a word like any other";
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += " words";
  EXPECT_EQ(page({.search = many}), "a");
  for (const char* odd : {"\"", "'", "*", "words*", "NEAR(a b)", "^words", "\xff\xfe", "{", ")",
                          "-", "\u2014", "words:", "a AND", "NOT words", "\"\"\"words"}) {
    EXPECT_TRUE(run(store().page(kRomeo, "archive", {.search = odd}))) << odd;
  }
}

TEST_P(ArchiveTest, WhatIsErasedOrReplacedIsNotFoundByItsWords) {
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

TEST_P(ArchiveTest, Counts) {
  EXPECT_EQ(count({}), 0U);
  five_rows();
  EXPECT_EQ(count({.limit = 1}), 5U);
  EXPECT_EQ(count({.with = kJuliet}), 3U);
  EXPECT_EQ(count({.after = "a", .before = "e"}), 3U);
  EXPECT_EQ(count({.start = at(20), .end = at(20)}), 1U);
}

TEST_P(ArchiveTest, ReplacesAStanza) {
  five_rows();
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "b", "<tombstone/>", ""}));
  EXPECT_TRUE(write(kRomeo, op::Replace{"archive", "unknown", "<x/>", ""}));
  EXPECT_TRUE(write("stranger@x.example", op::Replace{"archive", "b", "<x/>", ""}));
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "b"))->stanza, "<tombstone/>");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "b"))->when, at(20));
  EXPECT_EQ(page({}), "a b c d e");
}

TEST_P(ArchiveTest, AnIdThatComesAgainReplacesItsRow) {
  append(row("a", kJuliet, 1, "old words"));
  EXPECT_EQ(page({.search = "old"}), "a");
  append(row("a", "nurse@capulet.example", 2, "new words"));
  EXPECT_EQ(page({}), "a");
  EXPECT_EQ(page({.search = "old"}), "");
  EXPECT_EQ(page({.with = "nurse@capulet.example", .search = "new"}), "a");
  EXPECT_EQ(ok(store().find(kRomeo, "archive", "a"))->when, at(2));
}

TEST_P(ArchiveTest, FindsByOriginId) {
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

TEST_P(ArchiveTest, AnArchiveOfManyRowsIsReadToItsEnd) {
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

INSTANTIATE_TEST_SUITE_P(Backends, ArchiveTest, all_backends(),
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

TEST(ArchivePlaceTest, ATimeIsAPlaceBetweenIds) {
  // A time of its own: ids of one thread never go back.
  const WallTime now = at(400'000'000);
  const std::string before = archive_id(now);
  const std::string after = archive_id(now + std::chrono::milliseconds(1));
  EXPECT_LT(archive_position(now), before);
  EXPECT_LT(before, archive_position(now + std::chrono::milliseconds(1)));
  EXPECT_LT(archive_position(now + std::chrono::milliseconds(1)), after);
}

TEST(ArchivePlaceTest, KnowsItsOwnIds) {
  const WallTime now = at(500'000'000);
  const std::string id = archive_id(now);
  EXPECT_TRUE(is_archive_id(id, now));
  EXPECT_TRUE(is_archive_id(id, now + std::chrono::hours(1)));
  EXPECT_FALSE(is_archive_id(id, now - std::chrono::hours(1))) << "not made yet";
  for (const std::string& other :
       {std::string(), id + "-", id.substr(1), std::string("28482-98726-73623"),
        std::string("09af3-cc343-b409f0"), id.substr(0, 17) + " "}) {
    EXPECT_FALSE(is_archive_id(other, now)) << other;
  }
}

}  // namespace
}  // namespace balcony::storage
