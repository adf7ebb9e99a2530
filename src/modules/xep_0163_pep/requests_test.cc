// XEP-0060 as an account answers it: what changes, and what is refused with which condition.
#include "modules/testing/pubsub.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using namespace testing;  // NOLINT: the words of the dialogue

class PepRequests : public ::testing::Test {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0030_disco,
               &xep_0163_pep}};
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");

  void make_friends() {
    for (TestClient* client : {&romeo, &juliet}) {
      const bool is_romeo = client == &romeo;
      const std::string other = is_romeo ? "juliet@localhost" : "romeo@localhost";
      client->send("<presence type='subscribe' to='" + other + "'/>");
    }
    romeo.send("<presence type='subscribed' to='juliet@localhost'/>");
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    romeo.clear();
    juliet.clear();
  }

  // "result", or the conditions of the error: "conflict precondition-not-met".
  static std::string outcome(TestClient& client, const std::string& iq) {
    client.clear();
    client.send(iq);
    while (client.waiting() > 0) {
      const xml::Element answer = client.received_element();
      if (answer.name() != "iq" || answer.attr("id") != "q") continue;
      if (answer.attr("type") == "result") return "result";
      std::string text;
      for (const xml::ElementView child : answer.child(ns::kClient, "error").children()) {
        if (child.name() == "text") continue;
        text.append(text.empty() ? "" : " ").append(child.name());
        if (child.has_attr("feature")) text.append(" ").append(child.attr("feature"));
      }
      return text;
    }
    return "nothing";
  }

  // The ids of the items that are answered, joined.
  static std::string ids(TestClient& client, const std::string& items, std::string_view to = {},
                         std::string_view beside = {}) {
    client.clear();
    client.send(pubsub_iq("get", items + std::string(beside), to));
    const xml::Element answer = client.received_element();
    if (!answer || answer.attr("type") != "result") return "error";
    std::string text;
    const auto list = answer.child(ns::kPubsub, "pubsub").child(ns::kPubsub, "items");
    for (const xml::ElementView item : list.children(ns::kPubsub, "item")) {
      text.append(text.empty() ? "" : " ").append(item.attr("id"));
      EXPECT_FALSE(item.has_attr("publisher"));
    }
    return text;
  }
};

TEST_F(PepRequests, AnItemIsThereAfterItWasPublished) {
  EXPECT_EQ(outcome(romeo, publish_iq("tune", "one", "A")), "result");
  romeo.send(pubsub_iq("get", "<items node='tune'/>"));
  expect_received(romeo,
                  {"<iq type='result' id='q' to='romeo@localhost/orchard'>"
                   "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='tune'>"
                   "<item id='one'><tune xmlns='http://jabber.org/protocol/tune'><title>A</title>"
                   "</tune></item></items></pubsub></iq>"});
}

TEST_F(PepRequests, APublicationWithoutIdIsGivenOne) {
  romeo.send(publish_iq("tune", "", "A"));
  const xml::Element answer = romeo.received_element();
  const std::string id(answer.child(ns::kPubsub, "pubsub")
                           .child(ns::kPubsub, "publish")
                           .child(ns::kPubsub, "item")
                           .attr("id"));
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(ids(romeo, "<items node='tune'/>"), id);
}

TEST_F(PepRequests, ANodeKeepsAsManyItemsAsItMay) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_EQ(outcome(romeo, publish_iq("tune", id, id)), "result");
  }
  EXPECT_EQ(ids(romeo, "<items node='tune'/>"), "c");  // one by default
  const std::string three = form_fields("publish-options", {{"max_items", "3"}});
  for (const char* id : {"a", "b", "c", "d", "b", "e"}) {
    ASSERT_EQ(outcome(romeo, publish_iq("three", id, id, three)), "result");
  }
  EXPECT_EQ(ids(romeo, "<items node='three'/>"), "d b e");
  const std::string two = form_fields("node_config", {{"max_items", "2"}});
  EXPECT_EQ(outcome(romeo, pubsub_iq("set", "<configure node='three'>" + two + "</configure>", {},
                                     "#owner")),
            "result");
  EXPECT_EQ(ids(romeo, "<items node='three'/>"), "b e");
}

TEST_F(PepRequests, ItemsAreFoundByIdNumberAndPage) {
  const std::string all = form_fields("publish-options", {{"max_items", "max"}});
  for (const char* id : {"a", "b", "c", "d"}) {
    ASSERT_EQ(outcome(romeo, publish_iq("n", id, id, all)), "result");
  }
  EXPECT_EQ(ids(romeo, "<items node='n'/>"), "a b c d");
  EXPECT_EQ(ids(romeo, "<items node='n' max_items='2'/>"), "c d");
  EXPECT_EQ(ids(romeo, "<items node='n'><item id='c'/><item id='x'/><item id='a'/></items>"),
            "c a");
  const auto page = [](std::string_view content) {
    return "<set xmlns='http://jabber.org/protocol/rsm'>" + std::string(content) + "</set>";
  };
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>2</max>")), "a b");
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>2</max><after>b</after>")), "c d");
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>2</max><before/>")), "c d");
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>1</max><before>c</before>")), "b");
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>0</max>")), "");
  EXPECT_EQ(ids(romeo, "<items node='n'/>", {}, page("<max>2</max><after>x</after>")), "error");
  romeo.clear();
  romeo.send(pubsub_iq("get", "<items node='n'/>" + page("<max>1</max>")));
  const xml::Element answer = romeo.received_element();
  EXPECT_EQ(
      answer.child(ns::kPubsub, "pubsub").child(ns::kRsm, "set").child_text(ns::kRsm, "count"),
      "4");
}

TEST_F(PepRequests, RetractingTakesOneItemAway) {
  const std::string all = form_fields("publish-options", {{"max_items", "max"}});
  for (const char* id : {"a", "b", "c"}) outcome(romeo, publish_iq("n", id, id, all));
  const auto retract = [](std::string_view id) {
    return pubsub_iq("set", "<retract node='n'><item id='" + std::string(id) + "'/></retract>");
  };
  EXPECT_EQ(outcome(romeo, retract("c")), "result");
  EXPECT_EQ(ids(romeo, "<items node='n'/>"), "a b");
  EXPECT_EQ(ids(romeo, "<items node='n'><item id='b'/></items>"), "b");
  EXPECT_EQ(outcome(romeo, retract("a")), "result");
  EXPECT_EQ(outcome(romeo, retract("b")), "result");
  EXPECT_EQ(ids(romeo, "<items node='n'/>"), "");
  EXPECT_EQ(outcome(romeo, retract("b")), "item-not-found");
  EXPECT_EQ(outcome(romeo, publish_iq("n", "d", "d")), "result");
  EXPECT_EQ(ids(romeo, "<items node='n'/>"), "d");
}

TEST_F(PepRequests, OptionsAreConditions) {
  const std::string open = form_fields("publish-options", {{"access_model", "open"}});
  EXPECT_EQ(outcome(romeo, publish_iq("tune", "a", "A")), "result");
  EXPECT_EQ(outcome(romeo, publish_iq("tune", "b", "B", open)), "conflict precondition-not-met");
  EXPECT_EQ(ids(romeo, "<items node='tune'/>"), "a");
  EXPECT_EQ(outcome(romeo, publish_iq("devices", "a", "A", open)), "result");
  EXPECT_EQ(outcome(romeo, publish_iq("devices", "a", "B", open)), "result");
  const std::string unknown = form_fields("publish-options", {{"colour", "red"}});
  EXPECT_EQ(outcome(romeo, publish_iq("other", "a", "A", unknown)),
            "conflict precondition-not-met");
  EXPECT_EQ(outcome(romeo, publish_iq("other", "a", "A", "<x xmlns='jabber:x:data'/>")),
            "bad-request");
  EXPECT_EQ(outcome(romeo, pubsub_iq("get", "<items node='other'/>")), "item-not-found");
}

TEST_F(PepRequests, WhatIsWrongIsRefusedByItsName) {
  outcome(romeo, publish_iq("tune", "a", "A"));
  struct Case {
    std::string iq, outcome;
  };
  const std::string owner = "#owner";
  const std::vector<Case> cases = {
      {pubsub_iq("set", "<publish><item/></publish>"), "bad-request nodeid-required"},
      {pubsub_iq("set", "<publish node='n'/>"), "bad-request item-required"},
      {pubsub_iq("set", "<publish node='n'><item/></publish>"), "bad-request payload-required"},
      {pubsub_iq("set", "<publish node='n'><item><a xmlns='x'/><b xmlns='x'/></item></publish>"),
       "bad-request invalid-payload"},
      {pubsub_iq("set", "<publish node='n'><item><a xmlns='x'/></item><item/></publish>"),
       "bad-request invalid-payload"},
      {publish_iq("n", "a", std::string(200 * 1024, 'x')), "not-acceptable payload-too-big"},
      {publish_iq(std::string(2000, 'n'), "a", "A"), "not-acceptable"},
      {pubsub_iq("set", "<retract><item id='a'/></retract>"), "bad-request nodeid-required"},
      {pubsub_iq("set", "<retract node='tune'/>"), "bad-request item-required"},
      {pubsub_iq("set", "<retract node='tune'><item/></retract>"), "bad-request item-required"},
      {pubsub_iq("set", "<retract node='none'><item id='a'/></retract>"), "item-not-found"},
      {pubsub_iq("get", "<items/>"), "bad-request nodeid-required"},
      {pubsub_iq("get", "<items node='none'/>"), "item-not-found"},
      {pubsub_iq("get", "<items node='tune' max_items='x'/>"), "bad-request"},
      {pubsub_iq("set", "<create node='tune'/>"), "conflict"},
      {pubsub_iq("set", "<create node='c'/><configure>" +
                            form_fields("node_config", {{"access_model", "authorize"}}) +
                            "</configure>"),
       "not-acceptable unsupported-access-model"},
      {pubsub_iq("set", "<create node='c'/><configure node='c'/>"), "bad-request"},
      {pubsub_iq("get", "<configure/>", {}, owner), "bad-request nodeid-required"},
      {pubsub_iq("get", "<configure node='none'/>", {}, owner), "item-not-found"},
      {pubsub_iq("set", "<configure node='tune'/>", {}, owner), "bad-request"},
      {pubsub_iq("set", "<delete node='none'/>", {}, owner), "item-not-found"},
      {pubsub_iq("set", "<purge node='none'/>", {}, owner), "item-not-found"},
      {pubsub_iq("get", "<options node='tune' jid='romeo@localhost'/>"),
       "feature-not-implemented unsupported subscription-options"},
      {pubsub_iq("get", "<default/>"), "feature-not-implemented unsupported retrieve-default-sub"},
      {pubsub_iq("get", "<affiliations node='tune'/>", {}, owner),
       "feature-not-implemented unsupported modify-affiliations"},
      {pubsub_iq("set", "<subscriptions node='tune'/>", {}, owner),
       "feature-not-implemented unsupported manage-subscriptions"},
      {pubsub_iq("set", "<fly node='tune'/>"), "bad-request"},
      {pubsub_iq("get", ""), "bad-request"},
      {pubsub_iq("set", "<subscribe node='tune' jid='juliet@localhost'/>"),
       "bad-request invalid-jid"},
      {pubsub_iq("set", "<unsubscribe node='tune' jid='romeo@localhost'/>"),
       "unexpected-request not-subscribed"},
      {pubsub_iq("set", "<unsubscribe node='tune' jid='juliet@localhost'/>"), "forbidden"},
  };
  for (const Case& c : cases) EXPECT_EQ(outcome(romeo, c.iq), c.outcome) << c.iq.substr(0, 200);
}

TEST_F(PepRequests, WhoMayReadDependsOnTheNode) {
  for (const char* model : {"open", "presence", "roster", "whitelist"}) {
    outcome(romeo,
            publish_iq(model, "a", "A", form_fields("publish-options", {{"access_model", model}})));
  }
  const auto read = [this](std::string_view node) {
    return outcome(
        juliet, pubsub_iq("get", "<items node='" + std::string(node) + "'/>", "romeo@localhost"));
  };
  // A stranger does not even learn that there is somebody.
  EXPECT_EQ(read("open"), "result");
  for (const char* model : {"presence", "roster", "whitelist", "none"}) {
    EXPECT_EQ(read(model), "service-unavailable") << model;
  }
  // One whose presence he wants to see knows him, and is told what is missing.
  romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
  EXPECT_EQ(read("presence"), "not-authorized presence-subscription-required");
  EXPECT_EQ(read("whitelist"), "not-allowed closed-node");
  EXPECT_EQ(read("none"), "item-not-found");
  make_friends();
  EXPECT_EQ(read("presence"), "result");
  EXPECT_EQ(read("roster"), "not-authorized not-in-roster-group");
  EXPECT_EQ(read("whitelist"), "not-allowed closed-node");
  romeo.send(
      "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='juliet@localhost'>"
      "<group>Family</group></item></query></iq>");
  const std::string family = form_fields("node_config", {{"roster_groups_allowed", "Family"}});
  EXPECT_EQ(outcome(romeo, pubsub_iq("set", "<configure node='roster'>" + family + "</configure>",
                                     {}, "#owner")),
            "result");
  EXPECT_EQ(read("roster"), "result");
}

TEST_F(PepRequests, OnlyTheOwnerChangesAnything) {
  outcome(romeo,
          publish_iq("tune", "a", "A", form_fields("publish-options", {{"access_model", "open"}})));
  const std::vector<std::string> wishes = {
      pubsub_iq("set", "<publish node='tune'><item><a xmlns='x'/></item></publish>",
                "romeo@localhost"),
      pubsub_iq("set", "<retract node='tune'><item id='a'/></retract>", "romeo@localhost"),
      pubsub_iq("set", "<create node='mine'/>", "romeo@localhost"),
      pubsub_iq("get", "<configure node='tune'/>", "romeo@localhost", "#owner"),
      pubsub_iq("get", "<default/>", "romeo@localhost", "#owner"),
      pubsub_iq("set", "<delete node='tune'/>", "romeo@localhost", "#owner"),
      pubsub_iq("set", "<purge node='tune'/>", "romeo@localhost", "#owner"),
  };
  for (const std::string& iq : wishes) EXPECT_EQ(outcome(juliet, iq), "service-unavailable") << iq;
  make_friends();
  for (const std::string& iq : wishes) EXPECT_EQ(outcome(juliet, iq), "forbidden") << iq;
  EXPECT_EQ(ids(romeo, "<items node='tune'/>"), "a");
}

TEST_F(PepRequests, LimitsHold) {
  world.set("pep", "nodes_max", std::int64_t{2});
  world.set("pep", "size_max", std::int64_t{64 * 1024});
  EXPECT_EQ(outcome(romeo, publish_iq("a", "a", "A")), "result");
  EXPECT_EQ(outcome(romeo, pubsub_iq("set", "<create node='b'/>")), "result");
  EXPECT_EQ(outcome(romeo, publish_iq("c", "a", "A")), "resource-constraint max-nodes-exceeded");
  EXPECT_EQ(outcome(romeo, pubsub_iq("set", "<create node='c'/>")),
            "resource-constraint max-nodes-exceeded");
  const std::string big(40 * 1024, 'x');
  EXPECT_EQ(outcome(romeo, publish_iq("a", "a", big)), "result");
  EXPECT_EQ(outcome(romeo, publish_iq("a", "b", big)), "result");  // in place of the first
  EXPECT_EQ(outcome(romeo, publish_iq("b", "a", big)), "resource-constraint");
}

TEST_F(PepRequests, NodesStayAndGo) {
  outcome(romeo, publish_iq("tune", "a", "A"));
  outcome(romeo, pubsub_iq("set", "<subscribe node='tune' jid='romeo@localhost'/>"));
  romeo.disconnect();
  for (auto* user : {world.router_of("romeo@localhost").users().loaded("romeo@localhost").get()}) {
    world.router_of("romeo@localhost").users().reload(*user);
  }
  world.run();
  TestClient& again = world.login("romeo@localhost/orchard");
  EXPECT_EQ(ids(again, "<items node='tune'/>"), "a");
  EXPECT_EQ(outcome(again, pubsub_iq("set", "<purge node='tune'/>", {}, "#owner")), "result");
  EXPECT_EQ(ids(again, "<items node='tune'/>"), "");
  outcome(again, publish_iq("tune", "b", "B"));
  EXPECT_EQ(outcome(again, pubsub_iq("set", "<delete node='tune'/>", {}, "#owner")), "result");
  EXPECT_EQ(ids(again, "<items node='tune'/>"), "error");
  // The next node uses the deleted one's place, and finds nothing there.
  EXPECT_EQ(outcome(again, pubsub_iq("set", "<create node='other'/>")), "result");
  EXPECT_EQ(ids(again, "<items node='other'/>"), "");
}

TEST_F(PepRequests, AFailedCommitIsToldAndUndone) {
  outcome(romeo, publish_iq("tune", "a", "A"));
  world.fail_commits = Error(Errc::kDiskFull);
  EXPECT_EQ(outcome(romeo, publish_iq("tune", "b", "B")), "resource-constraint");
  world.fail_commits.reset();
  world.run();
  EXPECT_EQ(ids(romeo, "<items node='tune'/>"), "a");
}

TEST_F(PepRequests, DiscoTellsOfTheServiceAndItsNodes) {
  outcome(romeo, publish_iq("secret", "a", "A",
                            form_fields("publish-options", {{"access_model", "whitelist"}})));
  outcome(romeo, publish_iq("tune", "a", "A"));
  make_friends();
  const auto ask = [](std::string_view what, std::string_view node) {
    return "<iq type='get' id='q' to='romeo@localhost'><query xmlns='http://jabber.org/protocol/"
           "disco#" +
           std::string(what) + "'" +
           (node.empty() ? std::string() : " node='" + std::string(node) + "'") + "/></iq>";
  };
  juliet.send(ask("items", ""));
  expect_received(juliet,
                  {"<iq type='result' id='q' from='romeo@localhost' to='juliet@localhost/balcony'>"
                   "<query xmlns='http://jabber.org/protocol/disco#items'>"
                   "<item jid='romeo@localhost' node='tune'/></query></iq>"});
  romeo.send(ask("info", ""));
  const std::string info = romeo.received();
  EXPECT_NE(info.find("category='pubsub' type='pep'"), std::string::npos) << info;
  EXPECT_NE(info.find("pubsub#publish-options'"), std::string::npos);
  juliet.send(ask("info", "tune"));
  EXPECT_NE(juliet.received().find("type='leaf'"), std::string::npos);
  EXPECT_EQ(outcome(juliet, ask("info", "secret")), "item-not-found");
}

}  // namespace
}  // namespace balcony::modules
