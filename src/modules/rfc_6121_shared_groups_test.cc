// Shared groups: who is in whose roster, and that nobody changes it.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

constexpr std::string_view kRosterGet =
    "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";

class SharedGroupsTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{
      {&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &rfc_6121_shared_groups},
      GetParam()};

  void SetUp() override {
    for (const char* user : {"juliet@localhost", "romeo@localhost", "nurse@localhost"}) {
      world.account(user);
    }
  }
  void groups(std::vector<std::string> texts) {
    world.set("shared_groups", "groups", std::move(texts));
  }
  // "jid|name|subscription|group,group"
  static std::vector<std::string> roster(TestClient& client) {
    client.clear();
    client.send(kRosterGet);
    std::vector<std::string> all;
    const xml::Element answer = client.received_element();
    for (const auto item : answer.first_child().children()) {
      std::string text = std::string(item.attr("jid")) + "|" + std::string(item.attr("name")) +
                         "|" + std::string(item.attr("subscription")) + "|";
      for (const auto group : item.children()) text += group.text() + ",";
      all.push_back(std::move(text));
    }
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, SharedGroupsTest, ::testing::Values(1, 2));

TEST_P(SharedGroupsTest, MembersSeeEachOther) {
  groups({"Crew: juliet@localhost, romeo@localhost", "All : *", "Others: nurse@localhost"});
  TestClient& juliet = world.login("juliet@localhost/balcony");
  EXPECT_EQ(roster(juliet), (std::vector<std::string>{"nurse@localhost|nurse|both|All,",
                                                      "romeo@localhost|romeo|both|All,Crew,"}));
  TestClient& nurse = world.login("nurse@localhost/house");
  EXPECT_EQ(roster(nurse), (std::vector<std::string>{"juliet@localhost|juliet|both|All,",
                                                     "romeo@localhost|romeo|both|All,"}));
}

TEST_P(SharedGroupsTest, WhatIsWrongIsLeftOut) {
  groups({"no colon", ": juliet@localhost", "A: juliet@localhost, romeo@elsewhere.example",
          "B: juliet@localhost/balcony", "C:", "Crew: juliet@localhost,romeo@localhost,"});
  TestClient& juliet = world.login("juliet@localhost/balcony");
  EXPECT_EQ(roster(juliet), std::vector<std::string>{"romeo@localhost|romeo|both|Crew,"});
}

TEST_P(SharedGroupsTest, PresenceGoesBothWays) {
  groups({"Crew: juliet@localhost, romeo@localhost"});
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<presence/>");
  expect_received(juliet, {"<presence xmlns='jabber:client' from='romeo@localhost/orchard'"
                           " to='juliet@localhost'/>"});
  bool seen = false;
  while (romeo.waiting() > 0) {
    seen = romeo.received_element().attr("from") == "juliet@localhost/balcony" || seen;
  }
  EXPECT_TRUE(seen);
}

TEST_P(SharedGroupsTest, NobodyChangesThem) {
  groups({"Crew: juliet@localhost, romeo@localhost"});
  TestClient& juliet = world.login("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  const auto before = roster(juliet);
  for (const char* item : {"<item jid='romeo@localhost' name='R'/>",
                           "<item jid='romeo@localhost' subscription='remove'/>"}) {
    juliet.send("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>" + std::string(item) +
                "</query></iq>");
    EXPECT_EQ(received_error(juliet), "not-allowed") << item;
  }
  for (const char* type : {"unsubscribe", "unsubscribed"}) {
    juliet.send("<presence to='romeo@localhost' type='" + std::string(type) + "'/>");
    EXPECT_EQ(received_error(juliet), "not-allowed") << type;
  }
  for (const char* type : {"subscribe", "subscribed"}) {
    juliet.send("<presence to='romeo@localhost' type='" + std::string(type) + "'/>");
    EXPECT_EQ(juliet.waiting(), 0U) << type;
  }
  EXPECT_EQ(romeo.waiting(), 0U);
  EXPECT_EQ(roster(juliet), before);
}

// One's own word about a contact is there again when the group is gone.
TEST_P(SharedGroupsTest, NothingIsStored) {
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(
      "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>"
      "<item jid='romeo@localhost' name='R'><group>Mine</group></item></query></iq>");
  const auto again = [&]() -> TestClient& {
    world.router_of("juliet@localhost").users().forget("juliet@localhost");
    return world.login("juliet@localhost/balcony");
  };
  juliet.disconnect();
  groups({"Crew: juliet@localhost, romeo@localhost", "All: *"});
  TestClient& shared = again();
  EXPECT_EQ(roster(shared), (std::vector<std::string>{"nurse@localhost|nurse|both|All,",
                                                      "romeo@localhost|R|both|All,Crew,Mine,"}));
  shared.disconnect();
  groups({});
  EXPECT_EQ(roster(again()), std::vector<std::string>{"romeo@localhost|R|none|Mine,"});
}

// RFC 6121 §2.6: a client learns that the groups have changed.
TEST_P(SharedGroupsTest, Versions) {
  groups({"Crew: juliet@localhost, romeo@localhost"});
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(kRosterGet);
  const std::string version(juliet.received_element().first_child().attr("ver"));
  const auto is_current = [&](TestClient& client) {
    client.clear();
    client.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='" + version +
                "'/></iq>");
    return !client.received_element().view().has_children();
  };
  EXPECT_TRUE(is_current(juliet));
  juliet.disconnect();
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  TestClient& again = world.login("juliet@localhost/balcony");
  EXPECT_TRUE(is_current(again));
  again.disconnect();
  groups({"Crew: juliet@localhost, nurse@localhost"});
  world.router_of("juliet@localhost").users().forget("juliet@localhost");
  EXPECT_FALSE(is_current(world.login("juliet@localhost/balcony")));
}

TEST_P(SharedGroupsTest, TheLimitOfTheRosterDoesNotCountThem) {
  groups({"Crew: juliet@localhost, romeo@localhost", "All: *"});
  router::RouterOptions options;
  options.roster_items_max = 1;
  world.router_of("juliet@localhost").set_options(options);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  const auto add = [&juliet](std::string_view jid) {
    juliet.send("<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='" +
                std::string(jid) + "'/></query></iq>");
    return received_error(juliet);
  };
  EXPECT_EQ(add("paris@localhost"), "");
  EXPECT_EQ(add("tybalt@localhost"), "resource-constraint");
}

}  // namespace
}  // namespace balcony::modules
