// XEP-0163 §4: who is told of what, and when. With one shard and with several.
#include "modules/testing/pubsub.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::modules {
namespace {

using namespace testing;  // NOLINT: the words of the dialogue
using Titles = std::vector<std::string>;

class PepNotify : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0163_pep,
               &xep_0191_blocking},
              GetParam()};
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");

  // `to` may see `from`.
  void let(TestClient& from, TestClient& to) {
    to.send("<presence type='subscribe' to='" + from.jid().bare().str() + "'/>");
    from.send("<presence type='subscribed' to='" + to.jid().bare().str() + "'/>");
    world.run();
    from.clear();
    to.clear();
  }
  void publish(TestClient& who, std::string_view node, std::string_view id, std::string_view title,
               std::string_view options = {}) {
    who.send(publish_iq(node, id, title, options));
    world.run();
  }
  Titles told(TestClient& client) {
    world.run();
    return heard(client);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, PepNotify, ::testing::Values(1, 4));

TEST_P(PepNotify, ContactsAndOwnResourcesThatWantItAreTold) {
  let(romeo, juliet);
  TestClient& nurse = world.login("nurse@localhost/house");
  TestClient& second = world.login("romeo@localhost/garden");
  announce(juliet, {"tune"});
  announce(nurse, {"tune"});  // no contact
  announce(second, {"tune"});
  announce(romeo, {"mood"});
  for (TestClient* client : {&juliet, &nurse, &second, &romeo}) client->clear();
  publish(romeo, "tune", "a", "A");
  EXPECT_EQ(told(juliet), Titles{"A"});
  EXPECT_EQ(told(second), Titles{"A"});
  EXPECT_EQ(told(romeo), Titles{});
  EXPECT_EQ(told(nurse), Titles{});
  publish(romeo, "nickname", "a", "B");
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, TheMessageIsWrittenAsTheSpecificationSays) {
  let(romeo, juliet);
  announce(juliet, {"tune"});
  juliet.clear();
  publish(romeo, "tune", "a", "A");
  xml::Element message = juliet.received_element();
  EXPECT_FALSE(message.attr("id").empty());
  message.remove_attr("id");
  EXPECT_TRUE(xml::same_tree(
      message,
      stanza_tree("<message from='romeo@localhost' to='juliet@localhost/balcony' type='headline'>"
                  "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='tune'>"
                  "<item id='a'><tune xmlns='http://jabber.org/protocol/tune'><title>A</title>"
                  "</tune></item></items></event></message>")))
      << xml::to_string(message);
}

TEST_P(PepNotify, ContactsSeeWhichResourceItWas) {
  let(romeo, juliet);
  announce(juliet, {"tune"});
  romeo.send("<presence/>");
  juliet.clear();
  publish(romeo, "tune", "a", "A");
  const xml::Element message = juliet.received_element();
  const xml::ElementView address =
      message.child(ns::kAddress, "addresses").child(ns::kAddress, "address");
  EXPECT_EQ(address.attr("type"), "replyto");
  EXPECT_EQ(address.attr("jid"), "romeo@localhost/orchard");
}

TEST_P(PepNotify, TheLastItemComesWithPresenceOnce) {
  let(romeo, juliet);
  publish(romeo, "tune", "a", "A");
  publish(romeo, "tune", "b", "B");
  publish(romeo, "mood", "a", "C");
  EXPECT_TRUE(announce(juliet, {"tune"}));
  EXPECT_EQ(told(juliet), Titles{"B"});
  juliet.send(presence_with_caps(interested_info({"tune"})));
  EXPECT_EQ(told(juliet), Titles{});  // the same capabilities: nothing is new
  announce(juliet, {"tune", "mood"});
  EXPECT_EQ(told(juliet), Titles{"C"});
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  juliet.send(presence_with_caps(interested_info({"tune"})));
  EXPECT_EQ(told(juliet), Titles{"B"});
}

TEST_P(PepNotify, TheLastItemOfAContactWhoIsOfflineComesToo) {
  let(romeo, juliet);
  publish(romeo, "tune", "a", "A");
  romeo.disconnect();
  world.run();
  announce(juliet, {"tune"});
  world.run();
  const xml::Element message = juliet.received_element();
  ASSERT_TRUE(message);
  EXPECT_EQ(message.attr("from"), "romeo@localhost");
  EXPECT_TRUE(bool(message.child(ns::kDelay, "delay")));
}

TEST_P(PepNotify, TheOwnersOwnLastItemsComeAtLogin) {
  publish(romeo, "tune", "a", "A");
  TestClient& second = world.login("romeo@localhost/garden");
  announce(second, {"tune"});
  EXPECT_EQ(told(second), Titles{"A"});
}

TEST_P(PepNotify, OneClientIsAskedForAHash) {
  let(romeo, juliet);
  TestClient& second = world.login("juliet@localhost/chamber");
  EXPECT_TRUE(announce(juliet, {"tune"}));
  EXPECT_FALSE(announce(second, {"tune"}));  // another client of the same software
  juliet.clear();
  second.clear();
  publish(romeo, "tune", "a", "A");
  EXPECT_EQ(told(juliet), Titles{"A"});
  EXPECT_EQ(told(second), Titles{"A"});
}

TEST_P(PepNotify, CapabilitiesThatAreNotTheHashsAreNotBelieved) {
  let(romeo, juliet);
  xml::Element info = interested_info({"tune"});
  juliet.send(presence_with_caps(info));
  xml::Element lie = interested_info({"tune", "mood"});
  while (juliet.waiting() > 0) {
    const xml::Element stanza = juliet.received_element();
    if (stanza.name() != "iq") continue;
    juliet.send(xml::to_string(result_reply(stanza, lie.clone())));
  }
  publish(romeo, "tune", "a", "A");
  publish(romeo, "mood", "a", "B");
  EXPECT_EQ(told(juliet), Titles{});
  // The next one with that hash is asked again, and is believed.
  TestClient& second = world.login("juliet@localhost/chamber");
  EXPECT_TRUE(announce(second, {"tune"}));
  EXPECT_EQ(told(second), Titles{"A"});
}

TEST_P(PepNotify, BlockingStopsIt) {
  let(romeo, juliet);
  announce(juliet, {"tune"});
  romeo.send(
      "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='juliet@localhost'/>"
      "</block></iq>");
  world.run();
  juliet.clear();
  publish(romeo, "tune", "a", "A");
  EXPECT_EQ(told(juliet), Titles{});
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  juliet.send(presence_with_caps(interested_info({"tune"})));
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, AccessDecidesAlsoOverNotifications) {
  let(romeo, juliet);
  announce(juliet, {"secret", "family"});
  juliet.clear();
  publish(romeo, "secret", "a", "A",
          form_fields("publish-options", {{"access_model", "whitelist"}}));
  publish(romeo, "family", "a", "B", form_fields("publish-options", {{"access_model", "roster"}}));
  EXPECT_EQ(told(juliet), Titles{});
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  juliet.send(presence_with_caps(interested_info({"secret", "family"})));
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, WhoIsLetInIsSentTheLastItems) {
  publish(romeo, "tune", "a", "A");
  announce(juliet, {"tune"});
  EXPECT_EQ(told(juliet), Titles{});
  juliet.send("<presence type='subscribe' to='romeo@localhost'/>");
  romeo.send("<presence type='subscribed' to='juliet@localhost'/>");
  EXPECT_EQ(told(juliet), Titles{"A"});
  romeo.send("<presence type='unsubscribed' to='juliet@localhost'/>");
  publish(romeo, "tune", "a", "B");
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, RetractionPurgeAndDeletionAreTold) {
  let(romeo, juliet);
  announce(juliet, {"tune"});
  juliet.clear();
  const auto owner = [&](std::string_view content) {
    romeo.send(pubsub_iq("set", content, {}, "#owner"));
    world.run();
  };
  publish(romeo, "tune", "a", "A");
  romeo.send(pubsub_iq("set", "<retract node='tune' notify='1'><item id='a'/></retract>"));
  EXPECT_EQ(told(juliet), (Titles{"A", "-a"}));
  publish(romeo, "tune", "b", "B");
  owner("<purge node='tune'/>");
  owner("<configure node='tune'>" +
        form_fields("node_config", {{"notify_config", "1"}, {"notify_retract", "0"}}) +
        "</configure>");
  EXPECT_EQ(told(juliet), (Titles{"B", "purge", "configuration"}));
  publish(romeo, "tune", "c", "C");
  romeo.send(pubsub_iq("set", "<retract node='tune'><item id='c'/></retract>"));
  owner("<delete node='tune'/>");
  EXPECT_EQ(told(juliet), (Titles{"C", "delete"}));
}

TEST_P(PepNotify, ANodeNeedNotKeepItsItemsNorSendThem) {
  let(romeo, juliet);
  announce(juliet, {"tune", "mood"});
  juliet.clear();
  publish(romeo, "tune", "a", "A", form_fields("publish-options", {{"persist_items", "0"}}));
  EXPECT_EQ(told(juliet), Titles{"A"});
  publish(romeo, "mood", "a", "B", form_fields("publish-options", {{"deliver_payloads", "0"}}));
  EXPECT_EQ(told(juliet), Titles{""});
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  juliet.send(presence_with_caps(interested_info({"tune"})));
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, SubscribersOfAnOpenNodeAreTold) {
  publish(romeo, "blog", "a", "A", form_fields("publish-options", {{"access_model", "open"}}));
  juliet.send("<presence/>");
  juliet.clear();
  juliet.send(pubsub_iq("set", "<subscribe node='blog' jid='juliet@localhost/balcony'/>",
                        "romeo@localhost"));
  EXPECT_EQ(told(juliet), Titles{"A"});
  publish(romeo, "blog", "a", "B");
  EXPECT_EQ(told(juliet), Titles{"B"});
  // As a contact who wants it by his capabilities too, he gets it once.
  let(romeo, juliet);
  announce(juliet, {"blog"});
  juliet.clear();
  publish(romeo, "blog", "a", "C");
  EXPECT_EQ(told(juliet), Titles{"C"});
  juliet.send("<presence/>");
  juliet.clear();
  publish(romeo, "blog", "a", "D");
  EXPECT_EQ(told(juliet), Titles{"D"});
  juliet.send(pubsub_iq("set", "<unsubscribe node='blog' jid='juliet@localhost/balcony'/>",
                        "romeo@localhost"));
  juliet.clear();
  publish(romeo, "blog", "a", "E");
  EXPECT_EQ(told(juliet), Titles{});
}

TEST_P(PepNotify, AReloadForgetsNothing) {
  let(romeo, juliet);
  announce(juliet, {"tune"});
  juliet.clear();
  publish(romeo, "tune", "a", "A");
  world.set("pep", "nodes_max", std::int64_t{50});
  publish(romeo, "tune", "a", "B");
  EXPECT_EQ(told(juliet), (Titles{"A", "B"}));
}

}  // namespace
}  // namespace balcony::modules
