// XEP-0355 with a component whose stream is kept in memory.
#include "modules/modules.h"
#include "modules/testing/component.h"
#include "modules/testing/dialogue.h"

#include <gmock/gmock.h>

#include <string>

namespace balcony::modules {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::received_error;
using testing::TestClient;
using testing::TestComponent;
using testing::World;

constexpr std::string_view kPubsub = "http://jabber.org/protocol/pubsub";

router::ComponentSetup pubsub(router::Delegations delegations) {
  return {"pubsub.localhost", true, {}, std::move(delegations)};
}
router::ComponentSetup pubsub() {
  return pubsub({{std::string(kPubsub), {}}, {"urn:xmpp:ping", {"node"}}});
}

class DelegationTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  DelegationTest() { world.account("juliet@localhost"); }

  // Answers what is asked about nested features.
  void answer_disco(TestComponent& component, bool with_features = true) {
    for (std::size_t left = component.waiting(); left > 0; --left) {
      const xml::Element asked = component.received_element();
      if (!asked.is(xml::kClientNs, "iq")) continue;
      const std::string node(asked.first_child().attr("node"));
      const bool bare = node.find(":bare:") != std::string::npos;
      const std::string var = bare ? "urn:nested:account" : "urn:nested:server";
      component.send("<iq from='pubsub.localhost' to='localhost' type='result' id='" +
                     std::string(asked.attr("id")) +
                     "'><query xmlns='http://jabber.org/protocol/disco#info' node='" + node + "'>" +
                     (with_features ? "<feature var='" + var + "'/>" : "") + "</query></iq>");
    }
  }
  static std::string reply(const xml::Element& outer, std::string_view inner) {
    return "<iq from='pubsub.localhost' to='localhost' type='result' id='" +
           std::string(outer.attr("id")) +
           "'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
           std::string(inner) + "</forwarded></delegation></iq>";
  }

  World world{{&rfc_6121_roster, &rfc_6121_presence, &xep_0030_disco, &xep_0199_ping,
               &xep_0355_delegation, &xep_0356_privilege},
              GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, DelegationTest, ::testing::Values(1, 4));

constexpr std::string_view kAsk =
    "<iq type='set' id='pep1'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>";

TEST_P(DelegationTest, IsAnnounced) {
  TestComponent component(world, pubsub());
  EXPECT_THAT(component.received(),
              HasSubstr("<delegation xmlns='urn:xmpp:delegation:2'>"
                        "<delegated namespace='http://jabber.org/protocol/pubsub'/>"
                        "<delegated namespace='urn:xmpp:ping'><attribute name='node'/></delegated>"
                        "</delegation>"));
  component.clear();
  component.configure(pubsub({}));
  EXPECT_THAT(component.received(), HasSubstr("<delegation xmlns='urn:xmpp:delegation:2'/>"));
}

TEST_P(DelegationTest, RequestsAreForwardedAndTheAnswersPassedOn) {
  TestComponent component(world, pubsub());
  TestClient& juliet = world.login("juliet@localhost/balcony");
  component.clear();
  juliet.send(kAsk);
  const xml::Element outer = component.received_element();
  EXPECT_EQ(outer.attr("from"), "localhost");
  EXPECT_EQ(outer.attr("type"), "set");
  EXPECT_EQ(xml::to_string(outer.first_child()),
            "<delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>"
            "<iq xmlns='jabber:client' type='set' id='pep1' from='juliet@localhost/balcony'>"
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq></forwarded></delegation>");
  component.send(reply(outer,
                       "<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep1' "
                       "type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'/>"
                       "</iq>"));
  EXPECT_EQ(juliet.received(),
            "<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep1' type='result'>"
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>");
  EXPECT_EQ(component.waiting(), 0U);
}

TEST_P(DelegationTest, RequestsToTheHostAndToOthersAccountsToo) {
  TestComponent component(world, pubsub());
  world.account("romeo@localhost");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  component.clear();
  for (const char* to : {"localhost", "juliet@localhost"}) {
    romeo.send("<iq type='get' id='1' to='" + std::string(to) +
               "'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>");
    const xml::Element outer = component.received_element();
    component.send(reply(outer, "<iq xmlns='jabber:client' type='result' id='1' from='" +
                                    std::string(to) + "' to='romeo@localhost/orchard'/>"));
    const std::string got = romeo.received();
    EXPECT_THAT(got, HasSubstr("type='result'"));
    EXPECT_THAT(got, HasSubstr("from='" + std::string(to) + "'"));
  }
  romeo.send(
      "<iq type='get' id='2' to='nobody@localhost'>"
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  EXPECT_EQ(component.waiting(), 0U) << "nobody is not asked about";
}

TEST_P(DelegationTest, AWrongAnswerIsServiceUnavailable) {
  TestComponent component(world, pubsub());
  TestClient& juliet = world.login("juliet@localhost/balcony");
  component.clear();
  for (const char* inner :
       {"<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep2' type='result'/>",
        "<iq xmlns='jabber:client' to='juliet@localhost/other' id='pep1' type='result'/>",
        "<iq xmlns='jabber:client' id='pep1' type='result'/>",
        "<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep1' type='result' "
        "from='romeo@localhost'/>",
        "<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep1' type='set'>"
        "<a xmlns='b'/></iq>",
        "<iq xmlns='jabber:client' to='juliet@localhost/balcony' id='pep1' type='error'/>",
        "<iq to='juliet@localhost/balcony' id='pep1' type='result'/>", ""}) {
    juliet.send(kAsk);
    component.send(reply(component.received_element(), inner));
    EXPECT_EQ(received_error(juliet), "service-unavailable") << inner;
  }
  juliet.send(kAsk);
  component.send("<iq from='pubsub.localhost' to='localhost' type='error' id='" +
                 std::string(component.received_element().attr("id")) +
                 "'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                 "</error></iq>");
  EXPECT_EQ(received_error(juliet), "service-unavailable");
  // Another id, or another of its addresses: nobody waits for that.
  juliet.send(kAsk);
  const xml::Element outer = component.received_element();
  component.send("<iq from='x@pubsub.localhost' to='localhost' type='result' id='" +
                 std::string(outer.attr("id")) + "'/>");
  component.send("<iq from='pubsub.localhost' to='localhost' type='result' id='1'/>");
  EXPECT_EQ(juliet.waiting(), 0U);
}

TEST_P(DelegationTest, AServiceThatIsAwayIsServiceUnavailable) {
  TestComponent component(world, pubsub());
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(kAsk);
  EXPECT_EQ(juliet.waiting(), 0U);
  component.disconnect();
  EXPECT_EQ(received_error(juliet), "service-unavailable") << "it went while it was asked";
  juliet.send(kAsk);
  EXPECT_EQ(received_error(juliet), "service-unavailable");
  component.connect();
  juliet.send(kAsk);
  world.advance(std::chrono::seconds(31));
  EXPECT_EQ(received_error(juliet), "service-unavailable") << "it says nothing";
}

TEST_P(DelegationTest, WithoutTheAttributeTheServerAnswers) {
  TestComponent component(world, pubsub());
  TestClient& juliet = world.login("juliet@localhost/balcony");
  component.clear();
  juliet.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_THAT(juliet.received(), HasSubstr("type='result'"));
  EXPECT_EQ(component.waiting(), 0U);
  juliet.send("<iq type='get' id='2'><ping xmlns='urn:xmpp:ping' node='x'/></iq>");
  EXPECT_EQ(component.waiting(), 1U);
}

// §4.3.1
TEST_P(DelegationTest, WhatTheServiceAsksItselfIsNotForwarded) {
  router::ComponentSetup setup = pubsub({{"urn:xmpp:ping", {}}});
  setup.privileges.iq = {{"urn:xmpp:ping", router::IqTypes::kGet}};
  TestComponent component(world, setup);
  component.clear();
  component.send(
      "<iq from='pubsub.localhost' to='localhost' type='get' id='1'>"
      "<ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_THAT(component.received(), HasSubstr("type='result'"));
  component.send(
      "<iq from='pubsub.localhost' to='juliet@localhost' type='get' id='2'>"
      "<privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' "
      "type='get' id='3'><ping xmlns='urn:xmpp:ping'/></iq></privileged_iq></iq>");
  EXPECT_THAT(component.received(), HasSubstr("<forwarded"));
  EXPECT_EQ(component.waiting(), 0U);
}

// §7.2
TEST_P(DelegationTest, NestedFeaturesAreInDisco) {
  TestComponent component(world, pubsub({{"urn:xmpp:ping", {}}}));
  TestClient& juliet = world.login("juliet@localhost/balcony");
  const auto features = [&](std::string_view to) {
    juliet.send("<iq type='get' id='1' to='" + std::string(to) +
                "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    return juliet.received();
  };
  EXPECT_THAT(features("localhost"), HasSubstr("'urn:xmpp:delegation:2'"));
  EXPECT_THAT(features("localhost"), Not(HasSubstr("'urn:xmpp:ping'")));
  answer_disco(component);
  EXPECT_THAT(features("localhost"), HasSubstr("'urn:nested:server'"));
  EXPECT_THAT(features("localhost"), Not(HasSubstr("'urn:nested:account'")));
  EXPECT_THAT(features("localhost"), Not(HasSubstr("'urn:xmpp:ping'")));
  EXPECT_THAT(features("juliet@localhost"), HasSubstr("'urn:nested:account'"));
  component.disconnect();
  EXPECT_THAT(features("localhost"), Not(HasSubstr("urn:nested")));
  component.connect();
  answer_disco(component, false);
  EXPECT_THAT(features("localhost"), Not(HasSubstr("urn:nested")));
  component.configure(pubsub({}));
  EXPECT_THAT(features("localhost"), HasSubstr("'urn:xmpp:ping'"));
}

TEST_P(DelegationTest, NodesAndItemsOfAccounts) {
  TestComponent component(world, pubsub({{"urn:xmpp:delegation:2:bare:disco#info:*", {}},
                                         {"urn:xmpp:delegation:2:bare:disco#items:*", {}}}));
  TestClient& juliet = world.login("juliet@localhost/balcony");
  component.clear();
  const auto is_forwarded = [&](std::string_view query) {
    juliet.send("<iq type='get' id='1' to='juliet@localhost'>" + std::string(query) + "</iq>");
    juliet.clear();
    const bool forwarded = component.waiting() > 0;
    component.clear();
    return forwarded;
  };
  constexpr const char* kInfo = "xmlns='http://jabber.org/protocol/disco#info'";
  constexpr const char* kItems = "xmlns='http://jabber.org/protocol/disco#items'";
  EXPECT_FALSE(is_forwarded(std::string("<query ") + kInfo + "/>"));
  EXPECT_TRUE(is_forwarded(std::string("<query node='urn:x' ") + kInfo + "/>"));
  EXPECT_TRUE(is_forwarded(std::string("<query ") + kItems + "/>"));
  EXPECT_TRUE(is_forwarded(std::string("<query node='urn:x' ") + kItems + "/>"));
  juliet.send(std::string("<iq type='get' id='1' to='localhost'><query node='urn:x' ") + kInfo +
              "/></iq>");
  EXPECT_EQ(component.waiting(), 0U) << "only those of accounts";
}

}  // namespace
}  // namespace balcony::modules
