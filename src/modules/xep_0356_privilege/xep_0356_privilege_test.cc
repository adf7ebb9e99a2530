// XEP-0356 with components whose streams are kept in memory.
#include "modules/modules.h"
#include "modules/testing/component.h"
#include "modules/testing/dialogue.h"

#include <gmock/gmock.h>

#include <string>

namespace balcony::modules {
namespace {

using router::IqTypes;
using router::PresenceAccess;
using router::Privileges;
using testing::expect_received;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TestClient;
using testing::TestComponent;
using testing::World;

constexpr std::string_view kPubsubNs = "http://jabber.org/protocol/pubsub";

Privileges everything() {
  return {IqTypes::kBoth,
          true,
          true,
          PresenceAccess::kRoster,
          {{std::string(kPubsubNs), IqTypes::kSet}, {"urn:xmpp:ping", IqTypes::kGet}}};
}

router::ComponentSetup slidge(Privileges privileges) {
  return {"slidge.localhost", true, std::move(privileges), {}};
}

class PrivilegeTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  PrivilegeTest() {
    world.account("romeo@localhost");
    world.account("juliet@localhost");
  }

  void befriend(TestClient& one, TestClient& other) {
    const std::string bare(one.jid().bare_str());
    const std::string friend_bare(other.jid().bare_str());
    one.send("<presence to='" + friend_bare + "' type='subscribe'/>");
    other.send("<presence to='" + bare + "' type='subscribed'/>");
    other.send("<presence to='" + bare + "' type='subscribe'/>");
    one.send("<presence to='" + friend_bare + "' type='subscribed'/>");
    one.clear();
    other.clear();
  }

  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0191_blocking,
               &xep_0199_ping, &xep_0280_carbons, &xep_0313_archive, &xep_0356_privilege},
              GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, PrivilegeTest, ::testing::Values(1, 4));

// ---- §4.2, §5.2, §6.2, §7.2

TEST_P(PrivilegeTest, WhatItMayIsAnnounced) {
  TestComponent component(world, slidge(everything()));
  xml::Element message = component.received_element();
  EXPECT_EQ(message.attr("from"), "localhost");
  EXPECT_EQ(message.attr("to"), "slidge.localhost");
  EXPECT_EQ(xml::to_string(message.first_child()),
            "<privilege xmlns='urn:xmpp:privilege:2'>"
            "<perm access='roster' type='both' push='true'/>"
            "<perm access='message' type='outgoing'/>"
            "<perm access='iq'>"
            "<namespace ns='http://jabber.org/protocol/pubsub' type='set'/>"
            "<namespace ns='urn:xmpp:ping' type='get'/></perm>"
            "<perm access='presence' type='roster'/></privilege>");
  EXPECT_EQ(component.waiting(), 0U);
}

TEST_P(PrivilegeTest, AReloadIsAnnouncedWithWhatIsGone) {
  TestComponent component(world, slidge({}));
  EXPECT_EQ(component.waiting(), 0U) << "nothing is granted, nothing announced";
  component.configure(slidge({IqTypes::kGet, false, true, PresenceAccess::kNone, {}}));
  EXPECT_THAT(component.received(), HasSubstr("access='roster' type='get' push='false'"));
  component.configure(slidge({IqTypes::kGet, false, true, PresenceAccess::kNone, {}}));
  EXPECT_EQ(component.waiting(), 0U) << "nothing has changed";
  component.configure(slidge({}));
  const std::string none = component.received();
  EXPECT_THAT(none, HasSubstr("<perm access='roster' type='none' push='false'/>"));
  EXPECT_THAT(none, HasSubstr("<perm access='message' type='none'/>"));
  EXPECT_THAT(none, HasSubstr("<perm access='presence' type='none'/>"));
}

TEST_P(PrivilegeTest, ComponentsBelowAnotherHostHaveNothingToSayHere) {
  world.add_host("other.example");
  TestComponent component(world, {"x.other.example", true, everything(), {}});
  EXPECT_THAT(component.received(), HasSubstr("from='other.example'"));
  EXPECT_EQ(component.waiting(), 0U);
  component.send(
      "<iq from='x.other.example' to='juliet@localhost' type='get' id='1'>"
      "<query xmlns='jabber:iq:roster'/></iq>");
  EXPECT_EQ(component.received_error(), "service-unavailable");
}

// ---- §4.3, §4.4

TEST_P(PrivilegeTest, RostersAreReadAndChanged) {
  TestComponent component(world, slidge(everything()));
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  juliet.clear();
  component.clear();
  component.send(
      "<iq from='slidge.localhost' to='juliet@localhost' type='set' id='1'>"
      "<query xmlns='jabber:iq:roster'><item jid='a@slidge.localhost' name='A'/>"
      "</query></iq>");
  expect_received(juliet, {testing::push("juliet@localhost/balcony",
                                         "<item jid='a@slidge.localhost' name='A' "
                                         "subscription='none'/>")});
  std::string all = component.received() + component.received();
  EXPECT_THAT(all, HasSubstr("id='1' type='result'"));
  EXPECT_THAT(all, HasSubstr("from='juliet@localhost'"));
  EXPECT_THAT(all, HasSubstr("type='set'")) << "the push";
  EXPECT_EQ(component.waiting(), 0U);
  component.send(
      "<iq from='slidge.localhost' to='juliet@localhost' type='get' id='2'>"
      "<query xmlns='jabber:iq:roster'/></iq>");
  EXPECT_THAT(component.received(), HasSubstr("<item jid='a@slidge.localhost' name='A'"));
}

TEST_P(PrivilegeTest, RostersAreForbiddenToWhoMayNot) {
  const std::string get =
      "<iq from='slidge.localhost' to='juliet@localhost' type='get' id='1'>"
      "<query xmlns='jabber:iq:roster'/></iq>";
  const std::string set =
      "<iq from='slidge.localhost' to='juliet@localhost' type='set' id='1'>"
      "<query xmlns='jabber:iq:roster'><item jid='a@b'/></query></iq>";
  TestComponent component(world, slidge({IqTypes::kGet, true, false, PresenceAccess::kNone, {}}));
  component.clear();
  component.send(set);
  EXPECT_EQ(component.received_error(), "forbidden");
  // Nor may its other addresses, and nobody's roster is nobody's.
  component.send(
      "<iq from='x@slidge.localhost' to='juliet@localhost' type='get' id='1'>"
      "<query xmlns='jabber:iq:roster'/></iq>");
  EXPECT_EQ(component.received_error(), "service-unavailable");
  component.send(
      "<iq from='slidge.localhost' to='nobody@localhost' type='get' id='1'>"
      "<query xmlns='jabber:iq:roster'/></iq>");
  EXPECT_EQ(component.received_error(), "service-unavailable");
  component.configure(slidge({IqTypes::kSet, true, false, PresenceAccess::kNone, {}}));
  component.clear();
  component.send(get);
  EXPECT_EQ(component.received_error(), "forbidden");
  component.send(set);
  EXPECT_THAT(component.received(), HasSubstr("type='result'"));
  EXPECT_EQ(component.waiting(), 0U) << "pushes are for who may read";
  component.configure(slidge({}));
  component.clear();
  component.send(get);
  EXPECT_EQ(component.received_error(), "service-unavailable") << "as any component";
}

// ---- §5.3

std::string wrapped(std::string_view message) {
  return "<message from='slidge.localhost' to='localhost' id='o'>"
         "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
         std::string(message) + "</forwarded></privilege></message>";
}

TEST_P(PrivilegeTest, MessagesGoInAUsersNameWithCarbonsAndArchive) {
  TestComponent component(world, slidge(everything()));
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  juliet.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
  juliet.clear();
  component.clear();
  component.send(
      wrapped("<message xmlns='jabber:client' from='juliet@localhost' "
              "to='romeo@localhost' type='chat' id='m'><body>hi</body></message>"));
  EXPECT_EQ(component.waiting(), 0U);
  const std::string got = romeo.received();
  EXPECT_THAT(got, HasSubstr("from='juliet@localhost'"));
  EXPECT_THAT(got, HasSubstr("<body>hi</body>"));
  EXPECT_THAT(got, Not(HasSubstr("privilege")));
  const std::string carbon = juliet.received();
  EXPECT_THAT(carbon, HasSubstr("<sent xmlns='urn:xmpp:carbons:2'>"));
  EXPECT_THAT(carbon, HasSubstr("<stanza-id")) << "the archive has it";
}

// As slixmpp writes it.
TEST_P(PrivilegeTest, AMessageMayBeInTheNamespaceOfTheStream) {
  TestComponent component(world, slidge(everything()));
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  component.clear();
  component.send(
      wrapped("<message xmlns='jabber:component:accept' from='juliet@localhost' "
              "to='romeo@localhost' type='chat' id='m'><body>hi</body>"
              "<a xmlns='b'/></message>"));
  EXPECT_THAT(romeo.received(), HasSubstr("<message xmlns='jabber:client' from='juliet@localhost' "
                                          "to='romeo@localhost' type='chat' id='m'><body>hi</body>"
                                          "<a xmlns='b'/>"));
}

TEST_P(PrivilegeTest, MessagesGoInTheHostsName) {
  TestComponent component(world, slidge(everything()));
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  component.clear();
  component.send(
      wrapped("<message xmlns='jabber:client' from='localhost' "
              "to='romeo@localhost' type='headline' id='m'><body>hi</body></message>"));
  EXPECT_THAT(romeo.received(), HasSubstr("from='localhost'"));
  EXPECT_EQ(component.waiting(), 0U);
}

TEST_P(PrivilegeTest, MessagesOfOthersAreForbidden) {
  TestComponent component(world, slidge(everything()));
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  component.clear();
  const auto expect = [&](std::string_view condition, std::string_view inner) {
    component.send(wrapped(inner));
    EXPECT_EQ(component.received_error(), condition) << inner;
  };
  for (const char* from : {"from='juliet@localhost/balcony'", "from='juliet@other.example'",
                           "from='slidge.localhost'", "", "from='nobody@localhost'"}) {
    expect("forbidden", "<message xmlns='jabber:client' to='romeo@localhost' id='m' " +
                            std::string(from) + "><body>x</body></message>");
  }
  expect("bad-request", "<presence xmlns='jabber:client' from='juliet@localhost' to='a@b'/>");
  expect("bad-request", "<message from='juliet@localhost' to='romeo@localhost'/>");
  expect("bad-request", "<message xmlns='jabber:client' from='juliet@localhost' to='a@b@c'/>");
  expect("bad-request", "<message xmlns='jabber:client' from='localhost'/>");
  component.configure(slidge({IqTypes::kBoth, true, false, PresenceAccess::kNone, {}}));
  component.clear();
  expect("forbidden",
         "<message xmlns='jabber:client' from='juliet@localhost' "
         "to='romeo@localhost'/>");
  EXPECT_EQ(romeo.waiting(), 0U);
}

TEST_P(PrivilegeTest, WhatAUserHasBlockedHoldsForTheComponent) {
  TestComponent component(world, slidge(everything()));
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  juliet.send(
      "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
      "<item jid='romeo@localhost'/></block></iq>");
  component.clear();
  romeo.clear();
  component.send(
      wrapped("<message xmlns='jabber:client' from='juliet@localhost' "
              "to='romeo@localhost' type='chat' id='m'><body>hi</body></message>"));
  EXPECT_EQ(component.received_error(), "not-acceptable");
  EXPECT_EQ(romeo.waiting(), 0U);
}

// ---- §6.3

std::string privileged(std::string_view inner, std::string_view type = "set",
                       std::string_view to = "juliet@localhost") {
  return "<iq from='slidge.localhost' to='" + std::string(to) + "' type='" + std::string(type) +
         "' id='p1'><privileged_iq xmlns='urn:xmpp:privilege:2'>" + std::string(inner) +
         "</privileged_iq></iq>";
}

TEST_P(PrivilegeTest, RequestsGoInAUsersNameAndTheAnswerComesBack) {
  TestComponent component(world, slidge(everything()));
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  component.clear();
  component.send(
      privileged("<iq xmlns='jabber:client' type='set' id='s1' "
                 "to='romeo@localhost/orchard'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"));
  const xml::Element asked = romeo.received_element();
  EXPECT_EQ(asked.attr("from"), "juliet@localhost");
  EXPECT_TRUE(asked.child(kPubsubNs, "pubsub"));
  EXPECT_EQ(component.waiting(), 0U);
  // Not from him, then from him.
  TestClient& other = world.login_available("romeo@localhost/street");
  const std::string id(asked.attr("id"));
  other.send("<iq type='result' to='juliet@localhost' id='" + id + "'/>");
  EXPECT_EQ(component.received().find("<iq"), std::string::npos);
  component.clear();
  romeo.send("<iq type='result' to='juliet@localhost' id='" + id + "'><a xmlns='b'/></iq>");
  EXPECT_EQ(component.received(),
            "<iq xmlns='jabber:client' to='slidge.localhost' from='juliet@localhost' id='p1' "
            "type='result'><privilege xmlns='urn:xmpp:privilege:2'>"
            "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' "
            "to='juliet@localhost' id='s1' from='romeo@localhost/orchard'><a xmlns='b'/></iq>"
            "</forwarded></privilege></iq>");
}

TEST_P(PrivilegeTest, TheServerAnswersForTheAccountAndForItself) {
  TestComponent component(world, slidge(everything()));
  component.clear();
  for (const char* to : {"", "to='juliet@localhost'", "to='localhost'", "to='romeo@localhost'"}) {
    component.send(privileged("<iq xmlns='jabber:client' type='get' id='s1' " + std::string(to) +
                                  "><ping xmlns='urn:xmpp:ping'/></iq>",
                              "get"));
    const xml::Element answer = component.received_element();
    EXPECT_EQ(answer.attr("type"), "result") << to;
    const xml::ElementView inner = answer.first_child().first_child().first_child();
    const bool may = std::string_view(to) != "to='romeo@localhost'";
    EXPECT_EQ(inner.attr("type"), may ? "result" : "error") << to;
    EXPECT_EQ(inner.attr("id"), "s1");
    EXPECT_EQ(inner.attr("to"), "juliet@localhost");
  }
}

TEST_P(PrivilegeTest, RequestsThatAreNotGrantedAreForbidden) {
  TestComponent component(world, slidge(everything()));
  component.clear();
  const std::string inner =
      "<iq xmlns='jabber:client' type='set' id='s1' to='romeo@localhost'>"
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>";
  const std::vector<std::string> wrong = {
      privileged(inner, "get"),
      privileged(inner, "set", "localhost"),
      privileged(inner, "set", "juliet@localhost/balcony"),
      privileged(inner, "set", "nobody@localhost"),
      privileged(inner, "set", "juliet@elsewhere.example"),
      privileged("<iq type='set' id='s1'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"),
      privileged("<iq xmlns='jabber:client' type='get' id='s1'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>",
                 "get"),
      privileged("<iq xmlns='jabber:client' type='set' id='s1'><a xmlns='b'/></iq>"),
      privileged("<iq xmlns='jabber:client' type='set' id='s1' from='romeo@localhost'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"),
      privileged("<iq xmlns='jabber:client' type='set' id='s1' from='juliet@localhost/balcony'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"),
  };
  for (const std::string& iq : wrong) {
    component.send(iq);
    EXPECT_EQ(component.received_error(), "forbidden") << iq;
  }
  component.send(
      privileged("<iq xmlns='jabber:client' type='set'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"));
  EXPECT_EQ(component.received_error(), "bad-request") << "without id";
  component.configure(slidge({}));
  component.clear();
  component.send(privileged(inner));
  EXPECT_EQ(component.received_error(), "forbidden");
}

TEST_P(PrivilegeTest, ARequestThatNobodyAnswersEnds) {
  TestComponent component(world, slidge(everything()));
  world.login_available("romeo@localhost/orchard");
  component.clear();
  component.send(
      privileged("<iq xmlns='jabber:client' type='set' id='s1' "
                 "to='romeo@localhost/orchard'>"
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>"));
  EXPECT_EQ(component.waiting(), 0U);
  world.advance(std::chrono::seconds(61));
  EXPECT_EQ(component.received_error(), "remote-server-timeout");
}

// ---- §7

TEST_P(PrivilegeTest, InitialAndUnavailablePresenceOfUsers) {
  TestComponent component(
      world, slidge({IqTypes::kNone, true, false, PresenceAccess::kManagedEntity, {}}));
  component.clear();
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<presence><show>chat</show></presence>");
  const std::string initial = component.received();
  EXPECT_THAT(initial, HasSubstr("from='juliet@localhost/balcony'"));
  EXPECT_THAT(initial, HasSubstr("to='slidge.localhost'"));
  EXPECT_THAT(initial, HasSubstr("<show>chat</show>"));
  juliet.send("<presence><show>away</show></presence>");
  EXPECT_EQ(component.waiting(), 0U) << "no other presence";
  juliet.disconnect();
  world.run();
  EXPECT_THAT(component.received(), HasSubstr("type='unavailable'"));
  EXPECT_EQ(component.waiting(), 0U);
}

TEST_P(PrivilegeTest, WhoConnectsLaterIsToldWhoIsThere) {
  TestComponent component(
      world, slidge({IqTypes::kNone, true, false, PresenceAccess::kManagedEntity, {}}));
  component.disconnect();
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  romeo.send("<presence type='unavailable'/>");
  component.clear();
  component.connect();
  EXPECT_THAT(component.received(), HasSubstr("<privilege"));
  EXPECT_THAT(component.received(), HasSubstr("from='juliet@localhost/balcony'"));
  EXPECT_EQ(component.waiting(), 0U);
  // A privilege that is new begins with all of it too.
  component.configure(slidge({}));
  component.clear();
  component.configure(slidge({IqTypes::kNone, true, false, PresenceAccess::kManagedEntity, {}}));
  EXPECT_EQ(component.waiting(), 2U);
  juliet.clear();
}

TEST_P(PrivilegeTest, PresenceOfContactsComesOnce) {
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  befriend(juliet, romeo);
  TestComponent component(world, slidge({IqTypes::kGet, true, false, PresenceAccess::kRoster, {}}));
  EXPECT_EQ(component.waiting(), 3U) << "the announcement and two who are there";
  component.clear();
  romeo.send("<presence><show>away</show></presence>");
  EXPECT_THAT(component.received(), HasSubstr("<show>away</show>"));
  romeo.send("<presence><show>away</show></presence>");
  EXPECT_EQ(component.waiting(), 0U) << "no news";
  // A contact from elsewhere, of two users; also while they are offline.
  for (TestClient* user : {&juliet, &romeo}) {
    user->send("<presence to='nurse@far.example' type='subscribe'/>");
    world.router_of(user->jid().bare_str());
  }
  const auto far = [this](std::string_view to, std::string_view attributes) {
    auto element = xml::parse("<presence from='nurse@far.example/x' to='" + std::string(to) + "' " +
                                  std::string(attributes) + "/>",
                              xml::Scope{}, {});
    (void)world.router(0).receive_foreign(Stanza::make(*element).value());
    world.run();
  };
  for (const char* to : {"juliet@localhost", "romeo@localhost"}) {
    auto element = xml::parse(
        "<presence from='nurse@far.example' type='subscribed' to='" + std::string(to) + "'/>",
        xml::Scope{}, {});
    (void)world.router(0).receive_foreign(Stanza::make(*element).value());
    world.run();
  }
  component.clear();
  juliet.disconnect();
  romeo.disconnect();
  world.run();
  component.clear();
  for (const char* to : {"juliet@localhost", "romeo@localhost"}) far(to, "");
  EXPECT_THAT(component.received(), HasSubstr("from='nurse@far.example/x' to='slidge.localhost'"));
  EXPECT_EQ(component.waiting(), 0U);
  for (const char* to : {"juliet@localhost", "romeo@localhost"}) far(to, "type='unavailable'");
  EXPECT_THAT(component.received(), HasSubstr("type='unavailable'"));
  EXPECT_EQ(component.waiting(), 0U);
  // A stranger is nobody's contact.
  auto element =
      xml::parse("<presence from='x@far.example/x' to='juliet@localhost'/>", xml::Scope{}, {});
  (void)world.router(0).receive_foreign(Stanza::make(*element).value());
  world.run();
  EXPECT_EQ(component.waiting(), 0U);
}

TEST_P(PrivilegeTest, WhoHasBlockedAComponentIsNotThereForIt) {
  TestComponent component(
      world, slidge({IqTypes::kNone, true, false, PresenceAccess::kManagedEntity, {}}));
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(
      "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
      "<item jid='slidge.localhost'/></block></iq>");
  component.clear();
  juliet.send("<presence/>");
  EXPECT_EQ(component.waiting(), 0U);
}

// ---- docs/security.md

TEST_P(PrivilegeTest, NobodySpeaksToAComponentAsAHost) {
  TestComponent component(world, slidge({}));
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send(
      "<message to='slidge.localhost' id='1'><body>x</body>"
      "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/>"
      "</privilege><delegation xmlns='urn:xmpp:delegation:2'/></message>");
  const std::string got = component.received();
  EXPECT_THAT(got, HasSubstr("<body>x</body>"));
  EXPECT_THAT(got, Not(HasSubstr("privilege")));
  EXPECT_THAT(got, Not(HasSubstr("delegation")));
  romeo.send(
      "<iq to='slidge.localhost' id='2' type='set'>"
      "<delegation xmlns='urn:xmpp:delegation:2'/></iq>");
  EXPECT_EQ(component.waiting(), 0U);
  EXPECT_THAT(romeo.received(), HasSubstr("service-unavailable"));
  romeo.send("<message to='localhost' id='3'><privilege xmlns='urn:xmpp:privilege:2'/></message>");
  EXPECT_THAT(romeo.received(), HasSubstr("service-unavailable"));
}

}  // namespace
}  // namespace balcony::modules
