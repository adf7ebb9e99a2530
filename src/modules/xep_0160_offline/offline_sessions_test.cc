// XEP-0160: nothing is lost or doubled where sessions are lost, follow each other, or acknowledge
// slowly.
#include "modules/xep_0160_offline/offline_test_support.h"

namespace balcony::modules {
namespace {

using testing::Promise;
using testing::received_error;
using testing::TestClient;
using testing::Void;

class OfflineSessionsTest : public testing::OfflineWorld {};
INSTANTIATE_TEST_SUITE_P(Shards, OfflineSessionsTest, ::testing::Values(1, 2));

// The session ends in the middle: what it was not handed is left, and nothing comes twice.
TEST_P(OfflineSessionsTest, ALostSessionLeavesTheRest) {
  say_numbers(1, 120);
  TestClient& one = world.login("juliet@localhost/one");
  in_the_middle(one, [&] { end_now(one); });
  one.send("<presence/>");
  const auto got = bodies(one);
  ASSERT_GE(got.size(), 50U);
  ASSERT_LT(got.size(), 120U);
  EXPECT_EQ(stored(), 120 - got.size());
  const auto rest = bodies(come("juliet@localhost/two"));
  std::vector<std::string> all = got;
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(all, numbers(1, 120));
  EXPECT_EQ(stored(), 0U);
}

// The same, with another that was there all the time; it must not have to log in anew.
TEST_P(OfflineSessionsTest, AnotherSessionTakesOver) {
  Void nobody;
  const std::function<void(TestClient&)> ways[] = {
      [this](TestClient& c) { end_now(c); },
      [this](TestClient& c) { send_now(c, "<presence type='unavailable'/>"); },
      [this](TestClient& c) { send_now(c, presence(-1)); },
      [&](TestClient& c) {  // another session has its name
        spawn([](router::Router& at, Jid jid, router::Endpoint& to) -> Task<> {
          const auto bound = co_await at.bind(jid.bare(), std::string(jid.resource()), to);
          EXPECT_TRUE(bound);
        }(home(), c.jid(), nobody));
      },
  };
  for (const auto& leave : ways) {
    say_numbers(1, 120);
    TestClient& one = world.login("juliet@localhost/one");
    TestClient& two = world.login("juliet@localhost/two");
    in_the_middle(one, [&] {
      send_now(two, "<presence/>");
      leave(one);
    });
    one.send("<presence/>");
    auto all = bodies(one);
    EXPECT_LT(all.size(), 120U);
    const auto rest = bodies(two);
    all.insert(all.end(), rest.begin(), rest.end());
    EXPECT_EQ(all, numbers(1, 120));
    EXPECT_EQ(stored(), 0U);
    for (const char* name : {"juliet@localhost/one", "juliet@localhost/two"}) {
      world.login(name).disconnect();  // whoever has the name
    }
  }
}

// What was handed over cannot be erased: it comes to nobody again, and leaves when the disk has
// room.
TEST_P(OfflineSessionsTest, AFailedErasureDoublesNothing) {
  say_numbers(1, 120);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  world.fail_commits = Error(Errc::kDiskFull);
  juliet.send("<presence/>");
  juliet.send("<presence><show>away</show></presence>");
  EXPECT_EQ(bodies(juliet), numbers(1, 120));
  EXPECT_TRUE(bodies(come("juliet@localhost/garden")).empty());
  EXPECT_EQ(stored(), 120U);
  world.fail_commits.reset();
  juliet.send("<presence/>");
  EXPECT_TRUE(bodies(juliet).empty());
  EXPECT_EQ(stored(), 0U);
}

// XEP-0198 §4: a row goes when its client has acknowledged it, and no other goes with it.
TEST_P(OfflineSessionsTest, ARowGoesWhenItIsAcknowledged) {
  say_numbers(1, 120);
  TestClient& juliet = managed("juliet@localhost/balcony");
  EXPECT_EQ(bodies(juliet), numbers(1, 120));
  EXPECT_EQ(stored(), 120U);
  juliet.acknowledge(71);  // with her presence
  EXPECT_EQ(stored(), 50U);
  EXPECT_TRUE(bodies(come("juliet@localhost/garden")).empty());
  EXPECT_EQ(stored(), 50U);
  juliet.acknowledge(juliet.unacknowledged());
  EXPECT_EQ(stored(), 0U);
}

// What a session had not acknowledged is where it was, with its time, and is not counted twice.
TEST_P(OfflineSessionsTest, WhatComesBackFromASessionStaysWhereItIs) {
  world.set("offline", "messages_max", std::int64_t{4});
  say_numbers(1, 4);
  TestClient& one = managed("juliet@localhost/one");
  EXPECT_EQ(bodies(one), numbers(1, 4));
  one.acknowledge(2);  // her presence, and the first
  world.advance(std::chrono::seconds(60));
  one.disconnect();
  one.give_back();
  EXPECT_EQ(stored(), 3U);
  say_numbers(5, 6);
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  TestClient& two = managed("juliet@localhost/two");
  EXPECT_EQ(bodies(two), numbers(2, 5));
  two.acknowledge(5);
  EXPECT_EQ(stored(), 0U);
}

TEST_P(OfflineSessionsTest, WhatComesBackGoesToAnotherSessionOnce) {
  say_numbers(1, 60);
  TestClient& one = managed("juliet@localhost/one");
  TestClient& two = managed("juliet@localhost/two");
  EXPECT_EQ(bodies(one), numbers(1, 60));
  one.disconnect();
  one.give_back();
  EXPECT_EQ(bodies(two), numbers(1, 60));
  EXPECT_EQ(stored(), 60U);
  two.acknowledge(two.unacknowledged());
  EXPECT_EQ(stored(), 0U);
}

// More than its stream takes: the next when there is room, and what comes meanwhile behind it,
// stored, so that nobody waits for this client.
TEST_P(OfflineSessionsTest, AClientThatAcknowledgesSlowlyIsWaitedFor) {
  say_numbers(1, 90);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.manage();
  juliet.set_room(20);
  juliet.send("<presence/>");
  auto all = bodies(juliet);
  EXPECT_EQ(all, numbers(1, 19));
  say_numbers(91, 92);
  world.advance(std::chrono::seconds(1));
  EXPECT_EQ(stored(), 92U);
  say("<body>note</body>", "headline");
  say_numbers(93, 93);
  EXPECT_EQ(stored(), 93U);
  while (juliet.unacknowledged() > 0) {
    juliet.acknowledge(juliet.unacknowledged());
    world.advance(std::chrono::seconds(1));
    const auto more = bodies(juliet);
    all.insert(all.end(), more.begin(), more.end());
  }
  auto expected = numbers(1, 93);
  expected.emplace_back("note");
  EXPECT_EQ(all, expected);
  EXPECT_EQ(stored(), 0U);
}

// docs/decisions/0014: what a client does not acknowledge is stored, once, and nobody waits.
TEST_P(OfflineSessionsTest, WhatIsNotAcknowledgedIsStored) {
  TestClient& juliet = managed("juliet@localhost/balcony");
  juliet.clear();
  bool settled = false;
  ReceiptPtr promise = std::make_shared<Promise>(settled);
  ReceiptPtr first = spooled("<body>1</body>", promise);
  EXPECT_EQ(spooled("<body>1</body>", promise), first);
  promise = nullptr;
  EXPECT_FALSE(first->row().empty());
  EXPECT_FALSE(settled);
  world.run();
  EXPECT_TRUE(settled);
  EXPECT_EQ(stored(), 1U);
  EXPECT_TRUE(bodies(come("juliet@localhost/garden")).empty());
  first->delivered();
  world.run();
  EXPECT_EQ(stored(), 0U);
}

TEST_P(OfflineSessionsTest, WhatCannotBeStoredIsTheStreamsAlone) {
  managed("juliet@localhost/balcony");
  bool settled = false;
  world.fail_commits = Error(Errc::kDiskFull);
  ReceiptPtr receipt = spooled("<body>1</body>", std::make_shared<Promise>(settled));
  world.run();
  EXPECT_FALSE(settled);
  EXPECT_TRUE(receipt->row().empty());
  world.fail_commits.reset();
  receipt->delivered();
  receipt = nullptr;
  EXPECT_TRUE(settled);
  EXPECT_EQ(romeo.waiting(), 0U);
}

TEST_P(OfflineSessionsTest, WhatIsNeverStoredIsSettledByBeingSent) {
  managed("juliet@localhost/balcony");
  for (const char* content : {"<composing xmlns='http://jabber.org/protocol/chatstates'/>",
                              "<body>x</body><no-store xmlns='urn:xmpp:hints'/>"}) {
    bool settled = false;
    EXPECT_EQ(spooled(content, std::make_shared<Promise>(settled)), nullptr);
    EXPECT_TRUE(settled);
  }
  EXPECT_EQ(stored(), 0U);
}

// Another commit that fails makes the user be loaded anew in the middle of the delivery.
TEST_P(OfflineSessionsTest, AReloadInTheMiddleDoublesNothing) {
  say_numbers(1, 120);
  TestClient& one = world.login("juliet@localhost/one");
  TestClient& two = world.login("juliet@localhost/two");
  in_the_middle(one, [&] {
    home().users().reload(*home().users().loaded("juliet@localhost"));
    send_now(two, "<presence/>");
  });
  one.send("<presence/>");
  EXPECT_EQ(bodies(one), numbers(1, 120));
  EXPECT_TRUE(bodies(two).empty());
  EXPECT_EQ(stored(), 0U);
  one.disconnect();
  two.disconnect();
  say_numbers(121, 121);
  EXPECT_EQ(bodies(come("juliet@localhost/three")), numbers(121, 121));
}

// And a session that ends meanwhile leaves the rest to another, though nothing is known of the
// store at that moment.
TEST_P(OfflineSessionsTest, AReloadAndALostSession) {
  say_numbers(1, 120);
  TestClient& one = world.login("juliet@localhost/one");
  TestClient& two = world.login("juliet@localhost/two");
  in_the_middle(one, [&] {
    send_now(two, "<presence/>");
    home().users().reload(*home().users().loaded("juliet@localhost"));
    end_now(one);
  });
  one.send("<presence/>");
  auto all = bodies(one);
  EXPECT_LT(all.size(), 120U);
  const auto rest = bodies(two);
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(all, numbers(1, 120));
  EXPECT_EQ(stored(), 0U);
}

// docs/security.md: what cannot be read does not hold up the rest.
TEST_P(OfflineSessionsTest, ARowThatCannotBeReadIsSkipped) {
  say_numbers(1, 1);
  storage::Batch batch;
  storage::ArchiveRow row;
  row.id = storage::archive_id(world.router(0).deps().loop.clock().wall());
  row.with = "romeo@localhost";
  row.stanza = "<message><body>half";
  batch.add("juliet@localhost", storage::op::Append{"offline", std::move(row)});
  world.store().commit(std::move(batch));
  say_numbers(2, 2);
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(1, 2));
  EXPECT_EQ(stored(), 0U);
}

// RFC 6120 §10.1: a message that comes while stored ones are delivered comes behind them.
TEST_P(OfflineSessionsTest, WhatComesMeanwhileDoesNotOvertake) {
  say_numbers(1, 120);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  in_the_middle(juliet, [&] {
    for (const char* body : {"121", "122"}) {
      Stanza live(StanzaKind::kMessage, StanzaType::kChat);
      live.set_from(*Jid::parse("romeo@localhost/orchard"));
      live.set_to(*Jid::parse("juliet@localhost/balcony"));
      live.edit().append_text_element("body", body);
      home().route(std::move(live));
    }
  });
  juliet.send("<presence/>");
  EXPECT_EQ(bodies(juliet), numbers(1, 122));
  EXPECT_EQ(stored(), 0U);
  say_numbers(123, 123);
  EXPECT_EQ(bodies(juliet), numbers(123, 123));
}

// What waited for a session that goes is kept, behind the rest.
TEST_P(OfflineSessionsTest, WhatWaitedForALostSessionIsKept) {
  say_numbers(1, 120);
  TestClient& one = world.login("juliet@localhost/one");
  in_the_middle(one, [&] {
    Stanza live(StanzaKind::kMessage, StanzaType::kChat);
    live.set_from(*Jid::parse("romeo@localhost/orchard"));
    live.set_to(*Jid::parse("juliet@localhost"));
    live.edit().append_text_element("body", "121");
    home().route(std::move(live));
    end_now(one);
  });
  one.send("<presence/>");
  auto all = bodies(one);
  EXPECT_LT(all.size(), 120U);
  const auto rest = bodies(come("juliet@localhost/two"));
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(all, numbers(1, 121));
  EXPECT_EQ(stored(), 0U);
}

// The bound in bytes, also after the mailbox was read again.
TEST_P(OfflineSessionsTest, AMailboxIsFullByItsSizeToo) {
  world.set("offline", "size_max", std::int64_t{2'000});
  const std::string large = "<body>" + std::string(800, 'x') + "</body>";
  say(large);
  say(large);
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  say(large);
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")).size(), 1U);
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  EXPECT_EQ(stored(), 0U);
}

TEST_P(OfflineSessionsTest, IsOffered) {
  const auto& features = world.router(0).host("localhost")->server_features();
  EXPECT_TRUE(std::ranges::binary_search(features, "msgoffline"));  // §4
}

}  // namespace
}  // namespace balcony::modules
