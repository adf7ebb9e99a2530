// XEP-0160: what is kept, in which order it comes, and that nothing is lost or doubled on the way.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"
#include "stanza/delay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::received_error;
using testing::stanza_tree;
using testing::TestClient;
using testing::World;

// XEP-0386 §3.2 at a client that binds inline: what has to be done before it hears of its session.
std::vector<std::string> bind_inline(World& world, TestClient& client) {
  router::InlineBound event{client.resource()};
  client.resource().user->host->fire(event);
  std::vector<std::string> said;
  for (Task<xml::Element>& work : event.work) {
    spawn([](Task<xml::Element> task, std::vector<std::string>& to) -> Task<> {
      const xml::Element answer = co_await std::move(task);
      if (answer) to.push_back(xml::to_string(answer));
    }(std::move(work), said));
  }
  world.run();
  return said;
}

// A stream that nobody reads.
class Void final : public router::Endpoint {
  void deliver(const Stanza&, std::string_view) override {}
  void deliver(xml::ElementView) override {}
  void close(const StreamError&) override {}
  Info info() const override { return {}; }
};

class OfflineTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0160_offline},
              GetParam()};
  TestClient& romeo = world.login("romeo@localhost/orchard");

  void SetUp() override { world.account("juliet@localhost"); }

  void say(std::string_view content, std::string_view type = "chat",
           std::string_view to = "juliet@localhost") {
    romeo.send("<message to='" + std::string(to) + "' type='" + std::string(type) + "'>" +
               std::string(content) + "</message>");
  }
  void say_numbers(int from, int to) {
    for (int i = from; i <= to; ++i) say("<body>" + std::to_string(i) + "</body>");
  }
  static std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i <= to; ++i) all.push_back(std::to_string(i));
    return all;
  }
  // The bodies that a client has received, in their order.
  static std::vector<std::string> bodies(TestClient& client) {
    std::vector<std::string> all;
    while (client.waiting() > 0) {
      const xml::Element stanza = client.received_element();
      if (stanza.name() == "message") all.push_back(stanza.view().child_text(ns::kClient, "body"));
    }
    return all;
  }
  // A login with initial presence of this priority; what comes of it is kept.
  TestClient& come(std::string_view jid, int priority = 0) {
    TestClient& client = world.login(jid);
    client.send(presence(priority));
    return client;
  }
  static std::string presence(int priority) {
    return "<presence><priority>" + std::to_string(priority) + "</priority></presence>";
  }
  std::uint64_t stored() {
    std::uint64_t rows = 0;
    spawn([](World& at, std::uint64_t& to) -> Task<> {
      storage::ArchiveQuery all;
      auto count = co_await at.store().count(std::string("juliet@localhost"),
                                             std::string("offline"), std::move(all));
      EXPECT_TRUE(count);
      if (count) to = *count;
    }(world, rows));
    world.run();
    return rows;
  }
  router::Router& home() { return world.router_of("juliet@localhost"); }
  // As TestClient::send() and disconnect(), without running the loops to their end: for the middle.
  void send_now(TestClient& client, std::string_view text) {
    xml::Element element = stanza_tree(text);
    auto stanza = Stanza::make(element);
    ASSERT_TRUE(stanza);
    EXPECT_FALSE(home().receive(client.resource(), *std::move(stanza)));
  }
  void end_now(TestClient& client) {
    home().end_session(client.resource(), {StreamCondition::kConnectionTimeout, ""});
  }
  // Does `then` in the middle of the work, as soon as `client` has received a page.
  void in_the_middle(TestClient& client, std::function<void()> then) {
    Loop& loop = home().deps().loop;
    auto look = std::make_shared<std::function<void(int)>>();
    *look = [&loop, &client, then = std::move(then), look](int turns) {
      const std::shared_ptr<std::function<void(int)>> kept = look;
      const bool done = client.waiting() >= 50;
      if (!done && turns > 0) return loop.post([kept, turns] { (*kept)(turns - 1); });
      EXPECT_TRUE(done);
      if (done) then();
      *kept = nullptr;
    };
    loop.post([look] { (*look)(10'000); });
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, OfflineTest, ::testing::Values(1, 2));

// §2
TEST_P(OfflineTest, MessagesComeOnceInOrderWithTheirTime) {
  say("<body>O blessed, blessed night!</body>");
  world.advance(std::chrono::seconds(60));
  say("<body>I am afeard.</body>", "normal");
  world.advance(std::chrono::seconds(60));
  EXPECT_EQ(romeo.waiting(), 0U);
  EXPECT_EQ(stored(), 2U);

  TestClient& juliet = come("juliet@localhost/balcony", 1);
  juliet.received();  // her own presence
  const xml::Element first = stanza_tree(juliet.received());
  EXPECT_TRUE(xml::same_tree(
      first,
      stanza_tree("<message to='juliet@localhost' type='chat' from='romeo@localhost/orchard'>"
                  "<body>O blessed, blessed night!</body>"
                  "<delay xmlns='urn:xmpp:delay' from='localhost'"
                  " stamp='2023-11-14T22:13:20Z'>Offline Storage</delay></message>")))
      << xml::to_string(first);
  const xml::Element second = juliet.received_element();
  EXPECT_EQ(second.view().child_text(ns::kClient, "body"), "I am afeard.");
  EXPECT_EQ(second.child(ns::kDelay, "delay").attr("stamp"), "2023-11-14T22:14:20Z");
  EXPECT_EQ(juliet.waiting(), 0U);
  EXPECT_EQ(stored(), 0U);

  juliet.disconnect();
  EXPECT_TRUE(bodies(come("juliet@localhost/balcony")).empty());
}

// XEP-0203 §5: nobody dates a message in the server's name; what others say stays.
TEST_P(OfflineTest, AForgedDelayIsRemoved) {
  say("<body>1</body>"
      "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='1999-01-01T00:00:00Z'/>"
      "<delay xmlns='urn:xmpp:delay' from='example.com' stamp='1998-01-01T00:00:00Z'/>");
  TestClient& juliet = come("juliet@localhost/balcony");
  juliet.received();
  const xml::Element message = juliet.received_element();
  std::vector<std::string> from;
  for (const auto delay : message.children(ns::kDelay, "delay")) {
    from.push_back(std::string(delay.attr("from")) + " " + std::string(delay.attr("stamp")));
  }
  EXPECT_EQ(from, (std::vector<std::string>{"example.com 1998-01-01T00:00:00Z",
                                            "localhost 2023-11-14T22:13:20Z"}));
}

TEST_P(OfflineTest, AFullMailboxIsToldToTheSender) {
  world.set("offline", "messages_max", std::int64_t{2});
  say_numbers(1, 2);
  EXPECT_EQ(romeo.waiting(), 0U);
  say_numbers(3, 3);
  const std::string error = romeo.received();
  EXPECT_NE(error.find("<service-unavailable"), std::string::npos) << error;
  EXPECT_NE(error.find("mailbox is full"), std::string::npos) << error;
  TestClient& juliet = come("juliet@localhost/balcony");
  EXPECT_EQ(bodies(juliet), numbers(1, 2));
  juliet.disconnect();
  say_numbers(4, 5);  // there is room again
  EXPECT_EQ(romeo.waiting(), 0U);
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(4, 5));
}

// §3
TEST_P(OfflineTest, WhatIsKept) {
  constexpr const char* kComposing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
  constexpr const char* kNoStore = "<no-store xmlns='urn:xmpp:hints'/>";
  struct Case {
    const char* type;
    std::string content;
    std::uint64_t rows;
    const char* error;
  };
  const Case cases[] = {
      {"normal", "<body>x</body>", 1, ""},
      {"chat", "<body>x</body>", 1, ""},
      {"chat", std::string("<body>x</body>") + kComposing, 1, ""},
      {"chat", "<subject>x</subject>", 1, ""},
      {"chat", kComposing, 0, ""},
      {"normal", kComposing, 0, ""},
      {"chat", std::string(kComposing) + "<thread>t</thread>", 0, ""},
      {"chat", std::string(kComposing) + kNoStore, 0, ""},
      {"chat", std::string(kComposing) + "<thread xmlns='other'>t</thread>", 1, ""},
      // XEP-0334 §4.4
      {"chat", std::string(kComposing) + "<store xmlns='urn:xmpp:hints'/>", 1, ""},
      // XEP-0334 §4.2: not kept, so the sender has to know.
      {"chat", std::string("<body>x</body>") + kNoStore, 0, "service-unavailable"},
      {"chat", "<body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/>", 1, ""},
      {"groupchat", "<body>x</body>", 0, "service-unavailable"},
      {"headline", "<body>x</body>", 0, ""},
      {"error", "<body>x</body>", 0, ""},
  };
  for (const Case& c : cases) {
    const std::uint64_t before = stored();
    say(c.content, c.type);
    EXPECT_EQ(stored() - before, c.rows) << c.type << " " << c.content;
    EXPECT_EQ(received_error(romeo), c.error) << c.type << " " << c.content;
  }
}

// RFC 6121 §8.5.2.1.1
TEST_P(OfflineTest, ANegativePriorityGetsNothing) {
  TestClient& negative = come("juliet@localhost/negative", -1);
  say_numbers(1, 1);
  EXPECT_TRUE(bodies(negative).empty());
  EXPECT_EQ(stored(), 1U);
  // Until it is one no more (§2 step 5), which is not its initial presence.
  negative.send(presence(-2));
  EXPECT_TRUE(bodies(negative).empty());
  negative.send(presence(0));
  EXPECT_EQ(bodies(negative), numbers(1, 1));
  EXPECT_EQ(stored(), 0U);
}

TEST_P(OfflineTest, ASessionWithoutPresenceGetsNothing) {
  say_numbers(1, 1);
  TestClient& silent = world.login("juliet@localhost/silent");
  EXPECT_EQ(silent.waiting(), 0U);
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(1, 1));
  EXPECT_EQ(silent.waiting(), 0U);
}

TEST_P(OfflineTest, MoreThanOnePage) {
  say_numbers(1, 120);
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(1, 120));
  EXPECT_EQ(stored(), 0U);
  say_numbers(121, 121);  // and she is there
  EXPECT_EQ(stored(), 0U);
}

// Storage that was read again, as after a restart.
TEST_P(OfflineTest, MessagesOutliveTheUsersMemory) {
  say_numbers(1, 3);
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(1, 3));
}

TEST_P(OfflineTest, AFailedCommitIsToldToTheSender) {
  world.fail_commits = Error(Errc::kDiskFull, "the path");
  say_numbers(1, 1);
  const std::string error = romeo.received();
  EXPECT_NE(error.find("<resource-constraint"), std::string::npos) << error;
  EXPECT_EQ(error.find("the path"), std::string::npos);
  EXPECT_EQ(romeo.waiting(), 0U);
  world.fail_commits.reset();
  say_numbers(2, 2);
  EXPECT_EQ(bodies(come("juliet@localhost/balcony")), numbers(2, 2));
}

TEST_P(OfflineTest, TwoSessionsAtOnceShareNothing) {
  say_numbers(1, 120);
  TestClient& one = world.login("juliet@localhost/one");
  TestClient& two = world.login("juliet@localhost/two");
  in_the_middle(one, [&] { send_now(two, "<presence/>"); });
  one.send("<presence/>");
  EXPECT_EQ(bodies(one), numbers(1, 120));
  EXPECT_TRUE(bodies(two).empty());
}

// The session ends in the middle: what it was not handed is left, and nothing comes twice.
TEST_P(OfflineTest, ALostSessionLeavesTheRest) {
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
TEST_P(OfflineTest, AnotherSessionTakesOver) {
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

// What was handed over cannot be erased: it does not come again to this session, and the rest comes
// when the disk has room.
TEST_P(OfflineTest, AFailedErasureDoublesNothing) {
  say_numbers(1, 120);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  world.fail_commits = Error(Errc::kDiskFull);
  juliet.send("<presence/>");
  juliet.send("<presence><show>away</show></presence>");
  auto all = bodies(juliet);
  EXPECT_LT(all.size(), 120U);
  EXPECT_EQ(stored(), 120U);
  world.fail_commits.reset();
  juliet.send("<presence/>");
  const auto rest = bodies(juliet);
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(all, numbers(1, 120));
  EXPECT_EQ(stored(), 0U);
}

// Another commit that fails makes the user be loaded anew in the middle of the delivery.
TEST_P(OfflineTest, AReloadInTheMiddleDoublesNothing) {
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
TEST_P(OfflineTest, AReloadAndALostSession) {
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
TEST_P(OfflineTest, ARowThatCannotBeReadIsSkipped) {
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
TEST_P(OfflineTest, WhatComesMeanwhileDoesNotOvertake) {
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
TEST_P(OfflineTest, WhatWaitedForALostSessionIsKept) {
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
TEST_P(OfflineTest, AMailboxIsFullByItsSizeToo) {
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

TEST_P(OfflineTest, IsOffered) {
  const auto& features = world.router(0).host("localhost")->server_features();
  EXPECT_TRUE(std::ranges::binary_search(features, "msgoffline"));  // §4
}

class OfflineWithArchive : public ::testing::Test {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0160_offline,
               &xep_0313_archive},
              1};
  TestClient& romeo = world.login("romeo@localhost/orchard");

  void SetUp() override { world.account("juliet@localhost"); }
  void say(const std::string& content) {
    romeo.send("<message to='juliet@localhost' type='chat'>" + content + "</message>");
  }
};

TEST_F(OfflineWithArchive, AClientThatBindsInlineFindsItThere) {
  say("<body>1</body>");
  say("<note xmlns='urn:example'>2</note>");  // kept for later, but not worth keeping for ever
  say("<body>3</body>");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  const auto said = bind_inline(world, juliet);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].starts_with("<metadata xmlns='urn:xmpp:mam:2'><start id='")) << said[0];
  say("<body>4</body>");  // between binding and presence: not in what it was told of
  juliet.send("<presence/>");
  std::string got;
  while (juliet.waiting() > 0) {
    const xml::Element stanza = juliet.received_element();
    got += stanza.view().child_text(ns::kClient, "body");
    got += stanza.view().child_text("urn:example", "note");
  }
  EXPECT_EQ(got, "24");
}

TEST_F(OfflineWithArchive, WhoNeverComesForItLeavesItToOthers) {
  say("<body>1</body>");
  TestClient& sender = world.login("juliet@localhost/sender");
  bind_inline(world, sender);
  TestClient& old = world.login("juliet@localhost/old");
  old.send("<presence/>");
  EXPECT_EQ(old.waiting(), 2U);
  EXPECT_EQ(sender.waiting(), 0U);
}

TEST_F(OfflineWithArchive, OthersGetItAsAlways) {
  say("<body>1</body>");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<presence/>");
  EXPECT_EQ(juliet.waiting(), 2U);  // her own presence, and the message
}

}  // namespace
}  // namespace balcony::modules
