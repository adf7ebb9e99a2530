#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::push;
using testing::received_error;
using testing::TestClient;
using testing::World;

constexpr std::string_view kGet = "<iq type='get' id='get'><query xmlns='jabber:iq:roster'/></iq>";

std::string set_item(std::string_view item) {
  return "<iq type='set' id='set'><query xmlns='jabber:iq:roster'>" + std::string(item) +
         "</query></iq>";
}

std::string result(std::string_view to) {
  return "<iq type='result' id='set' to='" + std::string(to) + "'/>";
}

std::string roster(std::string_view to, std::string_view items) {
  return "<iq type='result' id='get' to='" + std::string(to) +
         "'><query xmlns='jabber:iq:roster' ver='*'>" + std::string(items) + "</query></iq>";
}

class RosterTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  // A session that has asked for its roster.
  TestClient& interested(std::string_view jid) {
    TestClient& client = world.login(jid);
    client.send(kGet);
    client.clear();
    return client;
  }
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, RosterTest, ::testing::Values(1, 3));

TEST_P(RosterTest, GetAndSet) {
  TestClient& balcony = world.login("juliet@localhost/balcony");
  balcony.send(kGet);
  expect_received(balcony, {roster("juliet@localhost/balcony", "")});
  TestClient& chamber = interested("juliet@localhost/chamber");
  TestClient& garden = world.login("juliet@localhost/garden");  // not interested: RFC 6121 §2.2

  const std::string nurse =
      "<item jid='nurse@example.com' name='Nurse' subscription='none'><group>Servants</group>"
      "</item>";
  balcony.send(
      set_item("<item jid='nurse@example.com' name='Nurse'><group>Servants</group></item>"));
  expect_received(balcony,
                  {result("juliet@localhost/balcony"), push("juliet@localhost/balcony", nurse)});
  expect_received(chamber, {push("juliet@localhost/chamber", nurse)});
  expect_received(garden, {});
  garden.send(kGet);
  expect_received(garden, {roster("juliet@localhost/garden", nurse)});
}

// RFC 6121 §2.4: a set takes the place of name and groups, and of nothing else.
TEST_P(RosterTest, Update) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  juliet.send("<presence to='nurse@localhost' type='subscribed'/>");
  juliet.send(set_item("<item jid='nurse@localhost' name='N'><group>A</group></item>"));
  juliet.clear();
  juliet.send(
      set_item("<item jid='NURSE@localhost' name='Angelica' subscription='both' ask='subscribe'>"
               "<group>C</group><group>B</group></item>"));
  expect_received(juliet, {result("juliet@localhost/balcony"),
                           push("juliet@localhost/balcony",
                                "<item jid='nurse@localhost' name='Angelica' subscription='none'"
                                " approved='true'><group>B</group><group>C</group></item>")});
}

TEST_P(RosterTest, SetsThatAreRefused) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  const std::string long_name(1024, 'n');
  const struct {
    std::string items;
    const char* condition;
  } cases[] = {
      {"", "bad-request"},
      {"<item jid='a@example.com'/><item jid='b@example.com'/>", "bad-request"},
      {"<item name='nobody'/>", "bad-request"},
      {"<item jid='a b@example.com'/>", "jid-malformed"},
      {"<item jid='a@example.com/full'/>", "bad-request"},
      {"<item jid='juliet@localhost'/>", "not-allowed"},
      {"<item jid='a@example.com' name='" + long_name + "'/>", "not-acceptable"},
      {"<item jid='a@example.com'><group/></item>", "not-acceptable"},
      {"<item jid='a@example.com'><group>" + long_name + "</group></item>", "not-acceptable"},
      {"<item jid='a@example.com'><group>A</group><group>A</group></item>", "bad-request"},
      {"<item jid='a@example.com' subscription='remove'/>", "item-not-found"},
  };
  for (const auto& refused : cases) {
    SCOPED_TRACE(refused.items.substr(0, 80));
    juliet.send(set_item(refused.items));
    EXPECT_EQ(received_error(juliet), refused.condition);
    EXPECT_EQ(juliet.waiting(), 0U);
  }
  juliet.send(kGet);
  expect_received(juliet, {roster("juliet@localhost/balcony", "")});
}

TEST_P(RosterTest, NamesOfAllowedLength) {
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(set_item("<item jid='a@example.com' name='" + std::string(1023, 'n') + "'/>"));
  expect_received(juliet, {result("juliet@localhost/balcony")});
}

TEST_P(RosterTest, FullRoster) {
  router::RouterOptions options;
  options.roster_items_max = 2;
  for (std::size_t i = 0; i < GetParam(); ++i) world.router(i).set_options(options);
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(set_item("<item jid='a@localhost'/>"));
  juliet.send(set_item("<item jid='b@localhost'/>"));
  juliet.clear();
  juliet.send(set_item("<item jid='c@localhost'/>"));
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  juliet.send("<presence to='c@localhost' type='subscribe'/>");
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  juliet.send(set_item("<item jid='b@localhost' name='B'/>"));
  expect_received(juliet, {result("juliet@localhost/balcony")});
}

// RFC 6121 §2.6.
TEST_P(RosterTest, Versions) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  const auto get = [&juliet](std::string_view version) {
    juliet.send("<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver='" +
                std::string(version) + "'/></iq>");
    return juliet.received_element();
  };
  xml::Element first = get("");
  std::string version(first.child(ns::kRoster, "query").attr("ver"));
  EXPECT_FALSE(version.empty());
  EXPECT_FALSE(get(version).view().has_children()) << "nothing has changed";

  juliet.send(set_item("<item jid='nurse@example.com'/>"));
  const xml::Element answer = juliet.received_element();
  const xml::Element other = juliet.received_element();
  const xml::ElementView query = answer.view().child(ns::kRoster, "query")
                                     ? answer.child(ns::kRoster, "query")
                                     : other.child(ns::kRoster, "query");
  const std::string pushed(query.attr("ver"));
  EXPECT_NE(pushed, version);
  EXPECT_TRUE(get(version).child(ns::kRoster, "query").has_children());
  EXPECT_FALSE(get(pushed).view().has_children());
}

TEST_P(RosterTest, NoVersionComesTwiceWhenAnAccountIsMadeAgain) {
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send(set_item("<item jid='nurse@example.com'/>"));
  juliet.clear();
  juliet.send(kGet);
  const auto old = juliet.received_element();
  world.router_of("juliet@localhost").remove_account(juliet.jid().bare());
  storage::Batch batch;
  batch.add("juliet@localhost", storage::op::EraseOwner{});
  world.store().commit(std::move(batch));
  world.advance(std::chrono::seconds(1));

  TestClient& again = world.login("juliet@localhost/balcony");
  again.send(set_item("<item jid='romeo@example.com'/>"));
  again.clear();
  again.send(kGet);
  EXPECT_NE(again.received_element().child(ns::kRoster, "query").attr("ver"),
            old.child(ns::kRoster, "query").attr("ver"));
}

TEST_P(RosterTest, SomebodyElsesRosterIsRefused) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  for (const char* type : {"get", "set"}) {
    romeo.send("<iq type='" + std::string(type) +
               "' id='x' to='juliet@localhost'><query xmlns='jabber:iq:roster'>"
               "<item jid='romeo@localhost' name='Sweetheart'/></query></iq>");
    EXPECT_EQ(received_error(romeo), "service-unavailable");
  }
  expect_received(juliet, {});
}

// RFC 6121 §2.5.2: the subscriptions go with the item.
TEST_P(RosterTest, RemoveCancelsBothWays) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  TestClient& romeo = interested("romeo@localhost/orchard");
  for (TestClient* client : {&juliet, &romeo}) client->send("<presence/>");
  romeo.send("<presence to='juliet@localhost' type='subscribed'/>");
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  juliet.send("<presence to='romeo@localhost' type='subscribe'/>");
  juliet.clear();
  romeo.clear();

  juliet.send(set_item("<item jid='romeo@localhost' subscription='remove'/>"));
  expect_received(
      juliet,
      {result("juliet@localhost/balcony"),
       push("juliet@localhost/balcony", "<item jid='romeo@localhost' subscription='remove'/>"),
       "<presence from='romeo@localhost/orchard' to='juliet@localhost' type='unavailable'/>"});
  expect_received(
      romeo, {"<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribe'/>",
              push("romeo@localhost/orchard",
                   "<item jid='juliet@localhost' subscription='to' approved='true'/>"),
              "<presence from='juliet@localhost/balcony' to='romeo@localhost' type='unavailable'/>",
              "<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribed'/>",
              push("romeo@localhost/orchard",
                   "<item jid='juliet@localhost' subscription='none' approved='true'/>")});
  juliet.send(kGet);
  expect_received(juliet, {roster("juliet@localhost/balcony", "")});
}

// RFC 6121 §A.1: a pending request is nothing that could be removed; it stays.
TEST_P(RosterTest, PendingRequestIsNoItem) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  world.login("romeo@localhost/orchard").send("<presence to='juliet@localhost' type='subscribe'/>");
  juliet.send(kGet);
  expect_received(juliet, {roster("juliet@localhost/balcony", "")});
  juliet.send(set_item("<item jid='romeo@localhost' subscription='remove'/>"));
  EXPECT_EQ(received_error(juliet), "item-not-found");
  // Taking him into the roster answers nothing either.
  juliet.send(set_item("<item jid='romeo@localhost'/>"));
  juliet.clear();
  juliet.send("<presence/>");
  expect_received(juliet,
                  {"<presence from='juliet@localhost/balcony' to='juliet@localhost/balcony'/>",
                   "<presence from='romeo@localhost' to='juliet@localhost'"
                   " type='subscribe'/>"});
}

// decision 0006: an answer is a promise; what could not be stored has not happened.
TEST_P(RosterTest, FailedCommit) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  juliet.send(set_item("<item jid='nurse@example.com'/>"));
  juliet.clear();
  world.fail_commits = Error(Errc::kDiskFull);
  juliet.send(set_item("<item jid='romeo@example.net'/>"));
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  juliet.send(set_item("<item jid='nurse@example.com' subscription='remove'/>"));
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  EXPECT_EQ(juliet.waiting(), 0U) << "no push";
  world.fail_commits.reset();
  juliet.send(kGet);
  expect_received(juliet, {roster("juliet@localhost/balcony",
                                  "<item jid='nurse@example.com' subscription='none'/>")});
}

TEST_P(RosterTest, IsReadFromStorage) {
  TestClient& juliet = interested("juliet@localhost/balcony");
  juliet.send(set_item("<item jid='nurse@example.com' name='Nurse'><group>S</group></item>"));
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  juliet.clear();
  // An item that nobody can read keeps nobody out.
  storage::Batch batch;
  batch.add("juliet@localhost", storage::op::Put{"roster", "paris@example.com", "<broken"});
  world.store().commit(std::move(batch));
  world.run();
  router::Router& home = world.router_of("juliet@localhost");
  home.users().reload(*home.users().loaded("juliet@localhost"));
  world.run();
  juliet.send(kGet);
  expect_received(
      juliet,
      {roster("juliet@localhost/balcony",
              "<item jid='nurse@example.com' name='Nurse' subscription='none'><group>S</group>"
              "</item><item jid='romeo@localhost' subscription='none' approved='true'/>")});
}

TEST_P(RosterTest, StreamFeatures) {
  xml::Element features(ns::kStream, "features");
  world.router(0).host("localhost")->fire(router::StreamFeatures{features});
  EXPECT_TRUE(features.child("urn:xmpp:features:rosterver", "ver"));
  EXPECT_TRUE(features.child("urn:xmpp:features:pre-approval", "sub"));
}

TEST(Modules, TableIsMadeFromTheFiles) {
  const auto& all = all_modules();
  for (const ModuleSpec* spec : {&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence}) {
    EXPECT_EQ(std::ranges::count(all, spec), 1);
  }
}

}  // namespace
}  // namespace balcony::modules
