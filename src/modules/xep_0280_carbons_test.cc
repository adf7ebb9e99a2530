// XEP-0280: who gets a copy, of what, and who can say so.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::TestClient;
using testing::World;

constexpr std::string_view kEnable =
    "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>";
constexpr std::string_view kDisable =
    "<iq type='set' id='c'><disable xmlns='urn:xmpp:carbons:2'/></iq>";

class CarbonsTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_presence, &xep_0280_carbons}, GetParam()};
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& orchard = world.login("romeo@localhost/orchard");
  TestClient& phone = world.login("romeo@localhost/phone");

  void SetUp() override {
    orchard.send("<presence/>");
    phone.send("<presence/>");
    switch_on(orchard);
    switch_on(phone);
    clear();
  }
  static void switch_on(TestClient& client) {
    client.clear();
    client.send(kEnable);
    EXPECT_EQ(client.received_element().attr("type"), "result");
  }
  void clear() {
    juliet.clear();
    orchard.clear();
    phone.clear();
  }
  static std::string carbon(std::string_view direction, std::string_view to,
                            std::string_view message, std::string_view type = "chat") {
    return "<message from='romeo@localhost' to='" + std::string(to) + "' type='" +
           std::string(type) + "'><" + std::string(direction) +
           " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
           std::string(message) + "</forwarded></" + std::string(direction) + "></message>";
  }
  // Whether the phone has a copy of what Juliet sends to the orchard.
  bool copied(std::string_view attributes, std::string_view payload) {
    clear();
    juliet.send("<message to='romeo@localhost/orchard' " + std::string(attributes) + ">" +
                std::string(payload) + "</message>");
    EXPECT_EQ(orchard.waiting(), 1U) << attributes << payload;
    EXPECT_LE(phone.waiting(), 1U) << attributes << payload;
    return phone.waiting() == 1;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, CarbonsTest, ::testing::Values(1, 2));

TEST_P(CarbonsTest, WhatOneClientGetsTheOthersSee) {
  juliet.send("<message to='romeo@localhost/orchard' type='chat'><body>Hi</body></message>");
  const std::string original =
      "<message xmlns='jabber:client' from='juliet@localhost/balcony' to='romeo@localhost/orchard'"
      " type='chat'><body>Hi</body></message>";
  expect_received(orchard, {original});
  expect_received(phone, {carbon("received", "romeo@localhost/phone", original)});
  expect_received(juliet, {});
}

TEST_P(CarbonsTest, WhatOneClientSendsTheOthersSee) {
  orchard.send("<message to='juliet@localhost' type='chat'><body>Hi</body></message>");
  const std::string original =
      "<message xmlns='jabber:client' from='romeo@localhost/orchard' to='juliet@localhost'"
      " type='chat'><body>Hi</body></message>";
  expect_received(juliet, {original});
  expect_received(phone, {carbon("sent", "romeo@localhost/phone", original)});
  expect_received(orchard, {});
}

// §7: those that the delivery rules chose have the message itself.
TEST_P(CarbonsTest, NobodyGetsAMessageTwice) {
  TestClient& pda = world.login("romeo@localhost/pda");
  switch_on(pda);
  pda.send("<presence><priority>-1</priority></presence>");
  pda.clear();
  clear();
  juliet.send("<message to='romeo@localhost' type='chat'><body>Hi</body></message>");
  EXPECT_EQ(orchard.waiting(), 1U);
  EXPECT_EQ(phone.waiting(), 1U);
  ASSERT_EQ(pda.waiting(), 1U);
  EXPECT_EQ(orchard.received().find("carbons"), std::string::npos);
  EXPECT_NE(pda.received().find("carbons"), std::string::npos);
}

// To the own account: a copy to who is left, and none to the sender.
TEST_P(CarbonsTest, ToOneself) {
  TestClient& pda = world.login("romeo@localhost/pda");
  switch_on(pda);
  orchard.clear();
  phone.clear();
  orchard.send("<message to='romeo@localhost/phone' type='chat'><body>Note</body></message>");
  const std::string original =
      "<message xmlns='jabber:client' from='romeo@localhost/orchard' to='romeo@localhost/phone'"
      " type='chat'><body>Note</body></message>";
  expect_received(phone, {original});
  expect_received(pda, {carbon("received", "romeo@localhost/pda", original)});
  expect_received(orchard, {});
}

TEST_P(CarbonsTest, WhoDidNotAskGetsNone) {
  phone.send(kDisable);
  EXPECT_EQ(phone.received_element().attr("type"), "result");
  phone.send(kDisable);  // §10.1: no error
  EXPECT_EQ(phone.received_element().attr("type"), "result");
  EXPECT_FALSE(copied("type='chat'", "<body>Hi</body>"));
  switch_on(phone);
  switch_on(phone);
  EXPECT_TRUE(copied("type='chat'", "<body>Hi</body>"));
}

// §4.1
TEST_P(CarbonsTest, NobodySwitchesAnothersCarbons) {
  juliet.send(
      "<iq type='set' id='c' to='romeo@localhost'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
  EXPECT_EQ(testing::received_error(juliet), "service-unavailable");
}

// §6.1
TEST_P(CarbonsTest, WhichMessages) {
  const std::string body = "<body>Hi</body>";
  const auto element = [](std::string_view name, std::string_view ns) {
    return "<" + std::string(name) + " xmlns='" + std::string(ns) + "'/>";
  };
  const std::string muc = "http://jabber.org/protocol/muc#user";
  struct Case {
    bool copied;
    std::string attributes, payload;
  };
  const Case cases[] = {
      {true, "type='chat'", body},
      {true, "type='chat'", ""},
      {true, "", body},
      {true, "type='no-such-type'", body},  // RFC 6121 §5.2.2: normal
      {false, "", "<subject>Hi</subject>"},
      {false, "type='headline'", body},
      {false, "type='groupchat'", body},
      {false, "type='groupchat'", element("received", "urn:xmpp:receipts")},
      {true, "", element("received", "urn:xmpp:receipts")},
      {true, "", element("composing", "http://jabber.org/protocol/chatstates")},
      {true, "", element("displayed", "urn:xmpp:chat-markers:0")},
      {true, "", element("x", "jabber:x:conference")},
      {true, "", "<x xmlns='" + muc + "'><invite to='a@b'/></x>"},
      {false, "type='chat'", body + element("x", muc)},
      {false, "type='chat'", body + element("private", "urn:xmpp:carbons:2")},
      {false, "type='chat'", body + element("no-copy", "urn:xmpp:hints")},
      {true, "type='chat'", body + element("no-store", "urn:xmpp:hints")},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(copied(c.attributes, c.payload), c.copied) << c.attributes << " " << c.payload;
  }
}

// §6.1: to an occupant, unlike from one.
TEST_P(CarbonsTest, PrivateMessagesToARoom) {
  orchard.send(
      "<message to='juliet@localhost/balcony' type='chat'><body>Hi</body>"
      "<x xmlns='http://jabber.org/protocol/muc#user'/></message>");
  EXPECT_EQ(phone.waiting(), 1U);
}

// §9: the element goes on, so that the receiving side knows as well.
TEST_P(CarbonsTest, PrivateIsNotRemoved) {
  orchard.send(
      "<message to='juliet@localhost' type='chat'><body>Hi</body>"
      "<private xmlns='urn:xmpp:carbons:2'/></message>");
  EXPECT_EQ(phone.waiting(), 0U);
  EXPECT_NE(juliet.received().find("<private"), std::string::npos);
}

// §6.1: of an error its cause decides.
TEST_P(CarbonsTest, Errors) {
  const auto error = [](std::string_view id) {
    return "<message to='romeo@localhost/orchard' type='error' id='" + std::string(id) +
           "'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
           "</message>";
  };
  orchard.send("<message to='juliet@localhost' type='chat' id='m1'><body>Hi</body></message>");
  orchard.send("<message to='juliet@localhost' type='headline' id='m2'><body>Hi</body></message>");
  clear();
  juliet.send(error("m1"));
  EXPECT_EQ(orchard.waiting(), 1U);
  ASSERT_EQ(phone.waiting(), 1U);
  EXPECT_EQ(phone.received_element().attr("type"), "chat");
  juliet.send(error("m2"));
  juliet.send(error("m3"));
  EXPECT_EQ(phone.waiting(), 0U);
}

// The same for errors of this server.
TEST_P(CarbonsTest, ErrorsOfTheServer) {
  orchard.send("<message to='nobody@localhost' type='chat' id='m1'><body>Hi</body></message>");
  EXPECT_EQ(orchard.waiting(), 1U);
  EXPECT_EQ(phone.waiting(), 2U);  // what was sent, and the error
}

// Whoever says it, and to whomever.
TEST_P(CarbonsTest, NobodyElseSaysWhatWasSentOrReceived) {
  for (const char* name : {"sent", "received"}) {
    const std::string forged =
        "<body>Hi</body><" + std::string(name) +
        " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' from='tybalt@localhost/x'><body>Meet me"
        "</body></message></forwarded></" +
        name + ">";
    for (TestClient* liar : {&juliet, &phone}) {
      clear();
      liar->send("<message to='romeo@localhost/orchard' type='headline' from='romeo@localhost'>" +
                 forged + "</message>");
      const std::string got = orchard.received();
      EXPECT_NE(got.find("from='" + liar->jid().str() + "'"), std::string::npos) << got;
      EXPECT_EQ(got.find("forwarded"), std::string::npos) << got;
    }
  }
}

// XEP-0386 §3.2
TEST_P(CarbonsTest, Inline) {
  TestClient& pda = world.login("romeo@localhost/pda");
  const router::Host& host = *world.router_of("romeo@localhost").host("localhost");
  const xml::Element enable(ns::kCarbons, "enable");
  const xml::Element other(ns::kCarbons, "disable");
  EXPECT_EQ(host.fire(router::InlineEnable{pda.resource(), other}), router::Flow::kContinue);
  EXPECT_EQ(host.fire(router::InlineEnable{pda.resource(), enable}), router::Flow::kStop);
  juliet.send("<message to='romeo@localhost/orchard' type='chat'><body>Hi</body></message>");
  EXPECT_EQ(pda.waiting(), 1U);

  xml::Element features("urn:xmpp:bind:0", "inline");
  host.fire(router::InlineFeatures{features});
  EXPECT_EQ(xml::to_string(features),
            "<inline xmlns='urn:xmpp:bind:0'><feature var='urn:xmpp:carbons:2'/></inline>");
}

}  // namespace
}  // namespace balcony::modules
