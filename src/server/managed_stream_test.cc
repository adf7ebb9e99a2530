#include "server/managed_stream.h"

#include "base/manual_loop.h"
#include "xml/parser.h"

#include <gtest/gtest.h>

namespace balcony::server {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

struct FakeSession final : ManagedStream::Session {
  std::string out;
  std::vector<stream::StanzaCount> counts;
  int progress = 0;
  bool silent = false;
  void write_management(std::string_view bytes) override { out += bytes; }
  void told(stream::StanzaCount h) override { counts.push_back(h); }
  void settled() override { ++progress; }
  void peer_is_silent() override { silent = true; }
  std::string take() { return std::exchange(out, {}); }
};

std::string a(int h) {
  return "<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(h) + "'/>";
}
const std::string kAsk = "<r xmlns='urn:xmpp:sm:3'/>";

struct ManagedStreamTest : ::testing::Test {
  ManualLoop loop;
  FakeSession session;
  std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>(loop);
  ManagedStream managed{loop, ledger, "id", ManagedOptions{{3, 1'000}, 600s, 60s}};

  void SetUp() override { managed.attach(&session); }
  void feed(const std::string& xml) {
    const auto element = xml::parse(xml);
    ASSERT_TRUE(element);
    session.out += managed.on_element(*element).reply;
  }
};

TEST_F(ManagedStreamTest, AnswersAtOnceWhenNothingIsOpen) {
  ledger->pass();
  feed(kAsk);
  EXPECT_EQ(session.take(), a(1));
  EXPECT_EQ(session.counts, std::vector<stream::StanzaCount>{1});
}

TEST_F(ManagedStreamTest, AnswersWhenEverythingBeforeIsSettled) {
  ReceiptPtr first = ledger->enter(1);
  feed(kAsk);
  ReceiptPtr second = ledger->enter(1);
  feed(kAsk);
  ReceiptPtr third = ledger->enter(1);
  EXPECT_EQ(session.take(), "");
  first.reset();
  EXPECT_EQ(session.take(), a(1));
  second.reset();
  EXPECT_EQ(session.take(), a(2));
  third.reset();  // nobody asked after it
  EXPECT_EQ(session.take(), "");
  EXPECT_EQ(session.progress, 3);
}

TEST_F(ManagedStreamTest, AnswersInTimeAndAgainWhenTheRestIsSettled) {
  ledger->pass();
  ReceiptPtr open = ledger->enter(1);
  feed(kAsk);
  loop.advance(249ms);
  EXPECT_EQ(session.take(), "");
  loop.advance(1ms);
  EXPECT_EQ(session.take(), a(1));
  loop.advance(10s);
  EXPECT_EQ(session.take(), "");
  open.reset();
  EXPECT_EQ(session.take(), a(2));
}

// A row of a store, as far as a stream sees it.
struct FakeRow final : Receipt {
  std::string_view row() const override { return "row"; }
};

// docs/decisions/0014: while somebody waits for the client it is asked soon, and who answers in
// time costs no write.
TEST_F(ManagedStreamTest, WhatIsAcknowledgedInTimeIsNotKept) {
  int asked = 0;
  managed.keep_with([&asked](const stream::Kept& sent) -> std::optional<ReceiptPtr> {
    ++asked;
    return sent.receipt;
  });
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(managed.sent("<message/>", ledger->enter(1)));
    loop.advance(200ms);
    EXPECT_EQ(session.take(), kAsk);
    feed(a(i));
  }
  loop.advance(10s);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(ledger->settled(), 5U);
}

TEST_F(ManagedStreamTest, WhatIsNotAcknowledgedIsKeptInOrderAndOnce) {
  std::vector<std::string> kept;
  int refused = 1;
  managed.keep_with([&](const stream::Kept& sent) -> std::optional<ReceiptPtr> {
    if (refused-- > 0) return std::nullopt;
    kept.push_back(sent.text);
    return std::make_shared<FakeRow>();
  });
  ASSERT_TRUE(managed.sent("1", ledger->enter(1)));
  ASSERT_TRUE(managed.sent("2", nullptr));
  loop.advance(300ms);
  ASSERT_TRUE(managed.sent("3", ledger->enter(1)));
  managed.attach(nullptr);  // the connection is lost: nobody can acknowledge
  loop.advance(100ms);
  EXPECT_TRUE(kept.empty());  // refused; 3 is too young
  loop.advance(400ms);
  EXPECT_EQ(kept, (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(ledger->settled(), 2U);
  loop.advance(10s);
  EXPECT_EQ(kept.size(), 2U);
  managed.attach(&session);
  feed(a(2));
  ASSERT_TRUE(managed.sent("4", ledger->enter(1)));
  loop.advance(400ms);
  EXPECT_EQ(kept, (std::vector<std::string>{"1", "3", "4"}));
}

TEST_F(ManagedStreamTest, HasRoomForABulkUpToHalfOfWhatMayWait) {
  EXPECT_TRUE(managed.has_room());
  ASSERT_TRUE(managed.sent("<message/>", nullptr));
  EXPECT_FALSE(managed.has_room());  // 3 may wait
  feed(a(1));
  EXPECT_TRUE(managed.has_room());
}

TEST_F(ManagedStreamTest, AsksAndNoticesSilence) {
  ASSERT_TRUE(managed.sent("<message/>", nullptr));
  EXPECT_EQ(session.take(), "");
  loop.advance(1s);
  EXPECT_EQ(session.take(), kAsk);
  feed(a(1));
  loop.advance(100s);
  EXPECT_FALSE(session.silent);
  EXPECT_EQ(session.take(), "");

  ASSERT_TRUE(managed.sent("<message/>", nullptr));
  loop.advance(1s);
  EXPECT_EQ(session.take(), kAsk);
  loop.advance(59s);
  EXPECT_FALSE(session.silent);
  loop.advance(1s);
  EXPECT_TRUE(session.silent);
}

TEST_F(ManagedStreamTest, AReceiptIsKeptUntilTheClientHasTheStanza) {
  const auto senders = std::make_shared<Ledger>(loop);
  ASSERT_TRUE(managed.sent("<message/>", senders->enter(1)));
  EXPECT_EQ(senders->settled(), 0u);
  feed(a(1));
  EXPECT_EQ(senders->settled(), 1u);
}

TEST_F(ManagedStreamTest, GoesOnInAnotherStream) {
  for (const char* text : {"<a/>", "<b/>"}) ASSERT_TRUE(managed.sent(text, nullptr));
  ReceiptPtr open = ledger->enter(1);
  feed(kAsk);
  managed.attach(nullptr);
  ASSERT_TRUE(managed.sent("<c/>", nullptr));
  open.reset();
  loop.advance(100s);
  EXPECT_EQ(session.take(), "");
  EXPECT_FALSE(session.silent);

  FakeSession next;
  EXPECT_FALSE(managed.resume(4));  // never sent
  const auto missed = managed.resume(1);
  ASSERT_TRUE(missed);
  EXPECT_EQ(*missed, "<b/><c/>");
  EXPECT_EQ(managed.h(), 1u);
  managed.attach(&next);
  loop.advance(1s);
  EXPECT_EQ(next.take(), kAsk);
}

TEST_F(ManagedStreamTest, TooMuchWaits) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(managed.sent("<a/>", nullptr));
  EXPECT_EQ(managed.sent("<a/>", nullptr).error().code, Errc::kOverloaded);
  EXPECT_EQ(managed.take_unacknowledged().size(), 4u);
}

}  // namespace
}  // namespace balcony::server
