// XEP-0160: what is kept, in which order it comes, and what its sender hears. What becomes of it
// when a session is lost or acknowledges slowly is in offline_sessions_test.cc.
#include "modules/xep_0160_offline/offline_test_support.h"

namespace balcony::modules {
namespace {

using testing::received_error;
using testing::stanza_tree;
using testing::TestClient;

class OfflineTest : public testing::OfflineWorld {};
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

}  // namespace
}  // namespace balcony::modules
