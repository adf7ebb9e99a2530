// XEP-0191: the list, and what is not heard and not said because of it.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

std::string command(std::string_view name, std::initializer_list<std::string_view> items) {
  std::string text = "<iq type='set' id='b'><" + std::string(name) + " xmlns='urn:xmpp:blocking'>";
  for (const std::string_view item : items) text += "<item jid='" + std::string(item) + "'/>";
  return text + "</" + std::string(name) + "></iq>";
}
constexpr std::string_view kList =
    "<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>";

class BlockingTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0054_vcard,
               &xep_0191_blocking},
              GetParam()};
  TestClient& juliet = world.login("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");

  // Both see each other and are online.
  void SetUp() override {
    for (auto [a, b] : {std::pair(&juliet, &romeo), std::pair(&romeo, &juliet)}) {
      const std::string to = a->jid().bare().str();
      b->send("<presence type='subscribe' to='" + to + "'/>");
      a->send("<presence type='subscribed' to='" + b->jid().bare().str() + "'/>");
    }
    juliet.send("<presence/>");
    romeo.send("<presence/>");
    clear();
  }
  void clear() {
    juliet.clear();
    romeo.clear();
  }
  static bool done(TestClient& client, const std::string& xml) {
    client.send(xml);
    bool result = false;
    while (client.waiting() > 0) {
      const xml::Element got = client.received_element();
      if (got.attr("id") == "b") result = got.attr("type") == "result";
    }
    return result;
  }
  std::vector<std::string> listed(TestClient& client) {
    client.clear();
    client.send(kList);
    std::vector<std::string> items;
    for (const auto item : client.received_element().first_child().children()) {
      items.emplace_back(item.attr("jid"));
    }
    return items;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, BlockingTest, ::testing::Values(1, 2));

TEST_P(BlockingTest, TheList) {
  EXPECT_TRUE(listed(juliet).empty());
  EXPECT_TRUE(done(juliet, command("block", {"ROMEO@localhost", "b.example", "romeo@localhost"})));
  EXPECT_EQ(listed(juliet), (std::vector<std::string>{"b.example", "romeo@localhost"}));
  EXPECT_TRUE(done(juliet, command("block", {"a.example/x"})));
  EXPECT_TRUE(done(juliet, command("unblock", {"b.example", "never@there.example"})));
  EXPECT_EQ(listed(juliet), (std::vector<std::string>{"a.example/x", "romeo@localhost"}));
  EXPECT_TRUE(done(juliet, command("unblock", {})));
  EXPECT_TRUE(listed(juliet).empty());
  EXPECT_TRUE(listed(romeo).empty());
}

TEST_P(BlockingTest, WrongCommands) {
  juliet.send(command("block", {}));
  EXPECT_EQ(received_error(juliet), "bad-request");
  juliet.send(command("block", {"a@@b"}));
  EXPECT_EQ(received_error(juliet), "jid-malformed");
  juliet.send("<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item/></block></iq>");
  EXPECT_EQ(received_error(juliet), "bad-request");
  romeo.send(
      "<iq type='set' id='b' to='juliet@localhost'><unblock xmlns='urn:xmpp:blocking'/></iq>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  romeo.send(
      "<iq type='get' id='b' to='juliet@localhost'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  EXPECT_TRUE(listed(juliet).empty());
}

TEST_P(BlockingTest, ALimit) {
  world.set("blocking", "items_max", std::int64_t{2});
  EXPECT_TRUE(done(juliet, command("block", {"a.example", "b.example"})));
  juliet.send(command("block", {"a.example", "c.example"}));
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  EXPECT_TRUE(done(juliet, command("block", {"b.example"})));
  EXPECT_EQ(listed(juliet).size(), 2U);
}

// §3.3: to who has asked for the list, and nobody else.
TEST_P(BlockingTest, Pushes) {
  TestClient& chamber = world.login("juliet@localhost/chamber");
  chamber.send(kList);
  chamber.clear();
  EXPECT_TRUE(done(juliet, command("block", {"a.example"})));
  expect_received(chamber,
                  {"<iq type='set' id='*' to='juliet@localhost/chamber'>"
                   "<block xmlns='urn:xmpp:blocking'><item jid='a.example'/></block></iq>"});
  juliet.send(command("unblock", {"a.example"}));
  expect_received(chamber, {"<iq type='set' id='*' to='juliet@localhost/chamber'>"
                            "<unblock xmlns='urn:xmpp:blocking'><item jid='a.example'/></unblock>"
                            "</iq>"});
  expect_received(juliet, {"<iq type='result' id='b' to='juliet@localhost/balcony'/>"});
  juliet.send(command("unblock", {}));
  expect_received(chamber, {"<iq type='set' id='*' to='juliet@localhost/chamber'>"
                            "<unblock xmlns='urn:xmpp:blocking'/></iq>"});
}

TEST_P(BlockingTest, TheBlockedOneSeesHerGo) {
  juliet.send(command("block", {"romeo@localhost"}));
  expect_received(romeo, {"<presence from='juliet@localhost/balcony' to='romeo@localhost'"
                          " type='unavailable'/>"});
  // Nothing more of her, whatever she does, and no answer to whatever he does.
  juliet.send("<presence><show>away</show></presence>");
  juliet.send("<presence type='unavailable'/>");
  juliet.send("<presence/>");
  romeo.send("<presence type='probe' to='juliet@localhost'/>");
  romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
  romeo.send("<presence to='juliet@localhost/balcony'/>");
  expect_received(romeo, {});
  juliet.clear();
  juliet.send(command("unblock", {"romeo@localhost"}));
  expect_received(romeo, {"<presence xmlns='jabber:client' from='juliet@localhost/balcony'"
                          " to='romeo@localhost'/>"});
}

TEST_P(BlockingTest, DirectedPresenceIsTakenBack) {
  TestClient& nurse = world.login("nurse@localhost/house");
  juliet.send("<presence to='nurse@localhost/house'/>");
  nurse.clear();
  EXPECT_TRUE(done(juliet, command("block", {"nurse@localhost"})));
  expect_received(nurse, {"<presence from='juliet@localhost/balcony' to='nurse@localhost/house'"
                          " type='unavailable'/>"});
  juliet.send("<presence type='unavailable'/>");
  expect_received(nurse, {});
}

// A contact's resource alone; the others go on.
TEST_P(BlockingTest, OneResource) {
  TestClient& phone = world.login_available("romeo@localhost/phone");
  clear();
  EXPECT_TRUE(done(juliet, command("block", {"romeo@localhost/orchard"})));
  expect_received(romeo, {"<presence from='juliet@localhost/balcony'"
                          " to='romeo@localhost/orchard' type='unavailable'/>"});
  romeo.send("<message to='juliet@localhost' type='chat'><body>Hi</body></message>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  EXPECT_EQ(juliet.waiting(), 0U);
  phone.send("<message to='juliet@localhost' type='chat'><body>Hi</body></message>");
  EXPECT_EQ(juliet.waiting(), 1U);
}

// §3.3
TEST_P(BlockingTest, NothingComesIn) {
  EXPECT_TRUE(done(juliet, command("block", {"romeo@localhost"})));
  clear();
  for (const char* to : {"juliet@localhost", "juliet@localhost/balcony"}) {
    const std::string address = " to='" + std::string(to) + "'";
    romeo.send("<message type='chat'" + address + "><body>Hi</body></message>");
    EXPECT_EQ(received_error(romeo), "service-unavailable");
    romeo.send("<message type='error'" + address + "><body>Hi</body></message>");
    EXPECT_EQ(romeo.waiting(), 0U);
    romeo.send("<iq type='get' id='v'" + address + "><vCard xmlns='vcard-temp'/></iq>");
    EXPECT_EQ(received_error(romeo), "service-unavailable");
    romeo.send("<iq type='result' id='v'" + address + "/>");
    romeo.send("<presence type='subscribe'" + address + "/>");
    EXPECT_EQ(romeo.waiting(), 0U);
  }
  EXPECT_EQ(juliet.waiting(), 0U);
}

// What a stranger learns is the same as of nobody.
TEST_P(BlockingTest, LooksLikeNobody) {
  EXPECT_TRUE(done(juliet, command("block", {"localhost"})));
  clear();
  romeo.send("<message type='chat' id='m' to='juliet@localhost'><body>Hi</body></message>");
  std::string there = romeo.received();
  romeo.send("<message type='chat' id='m' to='tybalt@localhost'><body>Hi</body></message>");
  there.replace(there.find("juliet"), 6, "tybalt");
  EXPECT_EQ(romeo.received(), there);
}

// §3.3
TEST_P(BlockingTest, NothingGoesOut) {
  EXPECT_TRUE(done(juliet, command("block", {"romeo@localhost"})));
  clear();
  for (const char* stanza :
       {"<message to='romeo@localhost' type='chat'><body>Hi</body></message>",
        "<iq type='get' id='v' to='romeo@localhost'><vCard xmlns='vcard-temp'/></iq>",
        "<presence to='romeo@localhost/orchard'/>",
        "<presence to='romeo@localhost' type='subscribe'/>",
        "<presence to='romeo@localhost' type='probe'/>"}) {
    juliet.send(stanza);
    const xml::Element error = juliet.received_element();
    EXPECT_EQ(error.attr("type"), "error") << stanza;
    const xml::ElementView what = error.child(ns::kClient, "error");
    EXPECT_TRUE(what.child(ns::kStanzas, "not-acceptable")) << stanza;
    EXPECT_TRUE(what.child(ns::kBlockingErrors, "blocked")) << stanza;
  }
  juliet.send("<iq type='result' id='v' to='romeo@localhost/orchard'/>");
  EXPECT_EQ(juliet.waiting(), 0U);
  EXPECT_EQ(romeo.waiting(), 0U);
}

// §5, its note
TEST_P(BlockingTest, NotOneself) {
  TestClient& chamber = world.login_available("juliet@localhost/chamber");
  EXPECT_TRUE(done(juliet, command("block", {"localhost", "juliet@localhost"})));
  clear();
  chamber.clear();
  chamber.send("<message to='juliet@localhost/balcony' type='chat'><body>Hi</body></message>");
  EXPECT_EQ(juliet.waiting(), 1U);
  EXPECT_EQ(chamber.waiting(), 0U);
}

TEST_P(BlockingTest, AFailedCommitBlocksNobody) {
  world.fail_commits = Error(Errc::kIo);
  juliet.send(command("block", {"romeo@localhost"}));
  EXPECT_EQ(received_error(juliet), "internal-server-error");
  world.fail_commits.reset();
  EXPECT_TRUE(listed(juliet).empty());
  EXPECT_EQ(romeo.waiting(), 0U);
}

TEST_P(BlockingTest, LastsLongerThanTheSession) {
  EXPECT_TRUE(done(juliet, command("block", {"romeo@localhost"})));
  juliet.disconnect();
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  clear();
  romeo.send("<message type='chat' to='juliet@localhost'><body>Hi</body></message>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  TestClient& again = world.login("juliet@localhost/balcony");
  EXPECT_EQ(listed(again), std::vector<std::string>{"romeo@localhost"});
}

}  // namespace
}  // namespace balcony::modules
