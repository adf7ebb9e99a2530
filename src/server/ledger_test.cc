#include "server/ledger.h"

#include "base/manual_loop.h"

#include <gtest/gtest.h>

#include <limits>

namespace balcony::server {
namespace {

struct LedgerTest : ::testing::Test {
  ManualLoop loop;
  std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>(loop);
  int progress = 0;
  void listen() {
    ledger->on_progress([this] { ++progress; });
  }
};

TEST_F(LedgerTest, CountsWhatIsSettledInARow) {
  listen();
  ledger->pass();
  ReceiptPtr first = ledger->enter(10);
  ledger->pass();  // settled itself, but not what came before it
  ReceiptPtr second = ledger->enter(20);
  EXPECT_EQ(ledger->settled(), 1u);
  EXPECT_EQ(ledger->entered(), 4u);
  EXPECT_EQ(ledger->open(), 3u);
  EXPECT_EQ(ledger->open_bytes(), 30u);

  second.reset();
  EXPECT_EQ(ledger->settled(), 1u);
  EXPECT_EQ(progress, 0);
  first.reset();
  EXPECT_EQ(ledger->settled(), 4u);
  EXPECT_EQ(ledger->open(), 0u);
  EXPECT_EQ(ledger->open_bytes(), 0u);
  EXPECT_EQ(progress, 1);
}

TEST_F(LedgerTest, TheLastCopyCounts) {
  ReceiptPtr one = ledger->enter(1);
  const ReceiptPtr another = one;
  one.reset();
  EXPECT_EQ(ledger->settled(), 0u);
  EXPECT_EQ(another.use_count(), 1);
}

TEST_F(LedgerTest, GoesOnPastTheLargestCount) {
  ledger->continue_from(std::numeric_limits<std::uint32_t>::max() - 1);
  std::vector<ReceiptPtr> receipts;
  for (int i = 0; i < 300; ++i) receipts.push_back(ledger->enter(1));
  for (auto& receipt : receipts) receipt.reset();
  EXPECT_EQ(ledger->settled(), 298u);
  EXPECT_EQ(ledger->open_bytes(), 0u);
}

TEST_F(LedgerTest, ManyOpenAtATimeInAnyOrder) {
  std::vector<ReceiptPtr> receipts;
  for (int i = 0; i < 1'000; ++i) receipts.push_back(ledger->enter(1));
  for (std::size_t i = 0; i < 600; ++i) receipts[i].reset();
  EXPECT_EQ(ledger->settled(), 600u);
  for (std::size_t i = 999; i > 600; --i) receipts[i].reset();
  EXPECT_EQ(ledger->settled(), 600u);
  receipts[600].reset();
  EXPECT_EQ(ledger->settled(), 1'000u);
}

TEST_F(LedgerTest, TellsNobodyAfterItsEnd) {
  listen();
  ReceiptPtr receipt = ledger->enter(1);
  ledger->close();
  receipt.reset();
  EXPECT_EQ(progress, 0);
  EXPECT_EQ(ledger->open(), 0u);
}

// What a client sends again because it was not settled when the session was resumed.
struct LedgerAgain : LedgerTest {
  ReceiptPtr come(std::string_view text) {
    return ledger->arrives(text) ? nullptr : ledger->enter(1);
  }
};

TEST_F(LedgerAgain, WhatIsHereIsKnownAgain) {
  listen();
  ReceiptPtr one = come("one");
  one.reset();
  ReceiptPtr two = come("two");
  ReceiptPtr three = come("three");
  ledger->rewind();
  EXPECT_EQ(ledger->settled(), 1u);
  EXPECT_EQ(ledger->entered(), 1u);
  three.reset();
  two.reset();
  EXPECT_EQ(ledger->settled(), 1u) << "the client has not sent them again";
  EXPECT_EQ(come("two"), nullptr);
  EXPECT_EQ(ledger->settled(), 2u);
  EXPECT_EQ(come("three"), nullptr);
  EXPECT_EQ(ledger->settled(), 3u);
  ReceiptPtr four = come("two");  // the same text, but another stanza
  EXPECT_NE(four, nullptr);
  EXPECT_EQ(ledger->entered(), 4u);
  four.reset();
  EXPECT_EQ(ledger->settled(), 4u);
}

TEST_F(LedgerAgain, TheLineMayBeLostOnceMore) {
  ReceiptPtr one = come("one");
  ReceiptPtr two = come("two");
  ledger->rewind();
  EXPECT_EQ(come("one"), nullptr);
  ledger->rewind();
  EXPECT_EQ(ledger->entered(), 0u);
  one.reset();
  two.reset();
  ledger->rewind();
  EXPECT_EQ(ledger->settled(), 0u);
  EXPECT_EQ(come("one"), nullptr);
  ledger->rewind();
  EXPECT_EQ(ledger->settled(), 1u);
  EXPECT_EQ(come("two"), nullptr);
  EXPECT_EQ(ledger->settled(), 2u);
}

TEST_F(LedgerAgain, WhoGoesOnWithSomethingElseCountsFromThere) {
  ReceiptPtr one = come("one");
  ReceiptPtr two = come("two");
  ReceiptPtr three = come("three");
  ledger->rewind();
  EXPECT_EQ(come("one"), nullptr);
  ReceiptPtr other = come("other");
  EXPECT_NE(other, nullptr);
  EXPECT_EQ(ledger->entered(), 2u);
  EXPECT_EQ(ledger->open_bytes(), 2u);
  two.reset();
  three.reset();
  EXPECT_EQ(ledger->settled(), 0u) << "theirs were other numbers";
  one.reset();
  EXPECT_EQ(ledger->settled(), 1u);
  other.reset();
  EXPECT_EQ(ledger->settled(), 2u);
}

TEST_F(LedgerAgain, SettledMeanwhileAndNotSentAgain) {
  ReceiptPtr one = come("one");
  ReceiptPtr two = come("two");
  ledger->rewind();
  one.reset();
  two.reset();
  ReceiptPtr other = come("other");
  EXPECT_EQ(ledger->entered(), 1u);
  other.reset();
  EXPECT_EQ(ledger->settled(), 1u);
  EXPECT_EQ(ledger->open(), 0u);
}

}  // namespace
}  // namespace balcony::server
