// The dialogues of RFC 6121 §3, with one and with several shards.
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

class SubscriptionTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  // A client as they are: asks for the roster, sends presence.
  TestClient& login(std::string_view jid) {
    TestClient& client = world.login(jid);
    client.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    client.send("<presence/>");
    client.clear();
    return client;
  }
  // `contact` gets the presence of `user`.
  void grant(TestClient& user, TestClient& contact) {
    contact.send("<presence type='subscribe' to='" + std::string(user.jid().bare_str()) + "'/>");
    user.send("<presence type='subscribed' to='" + std::string(contact.jid().bare_str()) + "'/>");
    user.clear();
    contact.clear();
  }
  router::SubscriptionState state(std::string_view user, std::string_view contact) {
    const auto loaded = world.router_of(user).users().loaded(user);
    const auto* item = loaded ? loaded->roster.find(*Jid::parse(contact)) : nullptr;
    return item ? item->state : router::SubscriptionState{};
  }
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, SubscriptionTest, ::testing::Values(1, 2, 4));

// docs/decisions/0012: it is counted when it is on disk.
TEST_P(SubscriptionTest, ARequestIsSettledWhenItIsStored) {
  class Promise final : public Receipt {
   public:
    explicit Promise(bool& settled) : settled_(settled) {}
    ~Promise() override { settled_ = true; }

   private:
    bool& settled_;
  };
  TestClient& romeo = login("romeo@localhost/orchard");
  login("juliet@localhost/balcony");
  bool settled = false;
  Stanza request(StanzaKind::kPresence, StanzaType::kSubscribe);
  request.set_to(*Jid::parse("juliet@localhost"));
  request.set_receipt(std::make_shared<Promise>(settled));
  EXPECT_FALSE(world.router_of("romeo@localhost").receive(romeo.resource(), std::move(request)));
  EXPECT_FALSE(settled);
  world.run();
  EXPECT_TRUE(settled);
  EXPECT_TRUE(state("juliet@localhost", "romeo@localhost").pending_in);
}

// RFC 6121 §3.1: Romeo asks, Juliet says yes.
TEST_P(SubscriptionTest, RequestAndApproval) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  TestClient& chamber = login("juliet@localhost/chamber");
  juliet.send("<presence><show>away</show></presence>");
  juliet.clear();
  chamber.clear();

  // §3.1.2: the full JID that he wrote becomes bare, and so does 'from'.
  romeo.send("<presence id='1' to='juliet@localhost/balcony' type='subscribe'/>");
  expect_received(romeo, {push("romeo@localhost/orchard",
                               "<item jid='juliet@localhost' subscription='none'"
                               " ask='subscribe'/>")});
  const char* request =
      "<presence id='1' from='romeo@localhost' to='juliet@localhost' type='subscribe'/>";
  expect_received(juliet, {request});
  expect_received(chamber, {request});
  // A second request changes nothing (§A.3.1).
  romeo.send("<presence id='2' to='juliet@localhost' type='subscribe'/>");
  expect_received(juliet, {});
  expect_received(romeo, {});

  juliet.send("<presence id='3' to='romeo@localhost' type='subscribed'/>");
  const char* item = "<item jid='romeo@localhost' subscription='from'/>";
  expect_received(juliet, {push("juliet@localhost/balcony", item)});
  expect_received(chamber, {push("juliet@localhost/chamber", item)});
  expect_received(
      romeo, {"<presence id='3' from='juliet@localhost' to='romeo@localhost' type='subscribed'/>",
              push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='to'/>"),
              "<presence from='juliet@localhost/balcony' to='romeo@localhost'><show>away</show>"
              "</presence>",
              "<presence from='juliet@localhost/chamber' to='romeo@localhost'/>"});
}

TEST_P(SubscriptionTest, NewsGoToInterestedResourcesOnly) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& idle = world.login_available("romeo@localhost/garden");  // never asked for the roster
  romeo.clear();
  TestClient& juliet = login("juliet@localhost/balcony");
  grant(juliet, romeo);
  idle.clear();
  juliet.send("<presence to='romeo@localhost' type='unsubscribed'/>");
  const char* gone =
      "<presence from='juliet@localhost/balcony' to='romeo@localhost'"
      " type='unavailable'/>";
  expect_received(idle, {gone});
  expect_received(
      romeo,
      {gone, "<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribed'/>",
       push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='none'/>")});
}

// RFC 6121 §3.1.3: who was away finds the request, with all that it holds, until he answers.
TEST_P(SubscriptionTest, RequestsWaitForTheirAnswer) {
  world.account("juliet@localhost");
  TestClient& romeo = login("romeo@localhost/orchard");
  romeo.send(
      "<presence to='juliet@localhost' type='subscribe'><status>It's me &lt;3</status>"
      "<nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick></presence>");
  const std::string request =
      "<presence from='romeo@localhost' to='juliet@localhost' type='subscribe'>"
      "<status>It's me &lt;3</status><nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick>"
      "</presence>";
  for (int i = 0; i < 2; ++i) {
    TestClient& juliet = world.login("juliet@localhost/balcony");
    expect_received(juliet, {}, "not before she is available");
    juliet.send("<presence/>");
    expect_received(juliet, {request,
                             "<presence from='juliet@localhost/balcony'"
                             " to='juliet@localhost/balcony'/>"});
    juliet.send("<presence><show>dnd</show></presence>");
    juliet.received();
    expect_received(juliet, {}, "initial presence only");
    juliet.disconnect();
    // Also when her data come from storage.
    router::Router& home = world.router_of("juliet@localhost");
    home.users().forget("juliet@localhost");
  }
  TestClient& juliet = login("juliet@localhost/balcony");
  juliet.send("<presence to='romeo@localhost' type='unsubscribed'/>");
  juliet.send("<presence type='unavailable'/>");
  juliet.clear();
  juliet.send("<presence/>");
  juliet.received();
  expect_received(juliet, {});
}

TEST_P(SubscriptionTest, BigRequestsAreKeptWithoutTheirPayload) {
  TestClient& romeo = login("romeo@localhost/orchard");
  world.account("juliet@localhost");
  romeo.send("<presence id='big' to='juliet@localhost' type='subscribe'><status>" +
             std::string(5000, 'x') + "</status></presence>");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<presence/>");
  expect_received(
      juliet, {"<presence id='big' from='romeo@localhost' to='juliet@localhost' type='subscribe'/>",
               "<presence from='juliet@localhost/balcony' to='juliet@localhost/balcony'/>"});
}

TEST_P(SubscriptionTest, StrangersCannotFillARosterWithRequests) {
  World& w = world;
  TestClient& juliet = login("juliet@localhost/balcony");
  router::Router& home = w.router_of("juliet@localhost");
  for (int i = 0; i < 200; ++i) {
    Stanza request(StanzaKind::kPresence, StanzaType::kSubscribe);
    request.set_from(*Jid::parse("bot" + std::to_string(i) + "@localhost"));
    request.set_to(juliet.jid().bare());
    home.route(std::move(request));
  }
  w.run();
  EXPECT_EQ(juliet.waiting(), 200U);
  juliet.clear();
  TestClient& romeo = login("romeo@localhost/orchard");
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  expect_received(juliet, {});
  romeo.received();  // the push
  EXPECT_EQ(received_error(romeo), "resource-constraint");
  // Who is in her roster is no stranger.
  juliet.send(
      "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>"
      "<item jid='tybalt@localhost'/></query></iq>");
  juliet.clear();
  login("tybalt@localhost/street").send("<presence to='juliet@localhost' type='subscribe'/>");
  EXPECT_EQ(juliet.waiting(), 1U);
}

// RFC 6121 §3.1.4 and §3.1.6: Juliet says no.
TEST_P(SubscriptionTest, Refusal) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  romeo.clear();
  juliet.clear();
  juliet.send("<presence to='romeo@localhost' type='unsubscribed'/>");
  expect_received(juliet, {}, "he never was in her roster");
  expect_received(
      romeo,
      {"<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribed'/>",
       push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='none'/>")});
  EXPECT_EQ(world.router_of("juliet@localhost").users().loaded("juliet@localhost")->roster.size(),
            0U);
}

// RFC 6121 §3.3: Romeo does not want to know any more.
TEST_P(SubscriptionTest, Unsubscribe) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  grant(juliet, romeo);
  grant(romeo, juliet);
  romeo.send("<presence to='juliet@localhost' type='unsubscribe'/>");
  expect_received(
      romeo,
      {push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='from'/>"),
       "<presence from='juliet@localhost/balcony' to='romeo@localhost' type='unavailable'/>"});
  expect_received(
      juliet,
      {"<presence from='romeo@localhost' to='juliet@localhost' type='unsubscribe'/>",
       push("juliet@localhost/balcony", "<item jid='romeo@localhost' subscription='to'/>")});
  // It no longer reaches him.
  juliet.send("<presence><show>xa</show></presence>");
  expect_received(romeo, {});
}

// RFC 6121 §3.4: Juliet says yes before he asks.
TEST_P(SubscriptionTest, PreApproval) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  expect_received(juliet, {push("juliet@localhost/balcony",
                                "<item jid='romeo@localhost' subscription='none'"
                                " approved='true'/>")});
  expect_received(romeo, {});
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  expect_received(juliet, {push("juliet@localhost/balcony",
                                "<item jid='romeo@localhost' subscription='from'"
                                " approved='true'/>")});
  expect_received(
      romeo, {push("romeo@localhost/orchard",
                   "<item jid='juliet@localhost' subscription='none' ask='subscribe'/>"),
              "<presence from='juliet@localhost' to='romeo@localhost' type='subscribed'/>",
              push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='to'/>"),
              "<presence from='juliet@localhost/balcony' to='romeo@localhost'/>"});
}

TEST_P(SubscriptionTest, PreApprovalTakenBack) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  juliet.clear();
  juliet.send("<presence to='romeo@localhost' type='unsubscribed'/>");
  expect_received(juliet, {push("juliet@localhost/balcony",
                                "<item jid='romeo@localhost' subscription='none'/>")});
  expect_received(romeo, {});
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  expect_received(juliet,
                  {"<presence from='romeo@localhost' to='juliet@localhost' type='subscribe'/>"});
}

// RFC 6121 §3.1.3: who has a subscription is told so again, without asking the contact.
TEST_P(SubscriptionTest, LostApprovalIsSentAgain) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  grant(juliet, romeo);
  // His side forgets.
  const auto user = world.router_of("romeo@localhost").users().loaded("romeo@localhost");
  user->roster.erase(juliet.jid());
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  expect_received(juliet, {});
  EXPECT_TRUE(state("romeo@localhost", "juliet@localhost").to);
}

// RFC 6121 §3.1.3: nobody is there.
TEST_P(SubscriptionTest, UnknownContact) {
  TestClient& romeo = login("romeo@localhost/orchard");
  romeo.send("<presence to='nobody@localhost' type='subscribe'/>");
  expect_received(
      romeo,
      {push("romeo@localhost/orchard",
            "<item jid='nobody@localhost' subscription='none' ask='subscribe'/>"),
       "<presence from='nobody@localhost' to='romeo@localhost' type='unsubscribed'/>",
       push("romeo@localhost/orchard", "<item jid='nobody@localhost' subscription='none'/>")});
}

// A server that cannot be reached: the client that asked is told.
TEST_P(SubscriptionTest, UnreachableContact) {
  TestClient& romeo = login("romeo@localhost/orchard");
  romeo.send("<presence to='juliet@far.example' type='subscribe'/>");
  romeo.received();  // the push
  EXPECT_EQ(received_error(romeo), "remote-server-not-found");
}

TEST_P(SubscriptionTest, RefusedByTheServer) {
  TestClient& romeo = login("romeo@localhost/orchard");
  romeo.send("<presence type='subscribe'/>");
  EXPECT_EQ(received_error(romeo), "bad-request");
  romeo.send("<presence type='subscribe' to='romeo@localhost'/>");
  EXPECT_EQ(received_error(romeo), "not-allowed");
  EXPECT_EQ(romeo.waiting(), 0U);
}

TEST_P(SubscriptionTest, NobodyGrantsHimselfASubscription) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  // Unasked approvals and cancellations are not even delivered.
  for (const char* type : {"subscribed", "unsubscribed", "unsubscribe"}) {
    romeo.send("<presence to='juliet@localhost' type='" + std::string(type) + "'/>");
    expect_received(juliet, {}, type);
  }
  EXPECT_EQ(state("juliet@localhost", "romeo@localhost"), router::SubscriptionState{});
  // Nor does a forged sender help.
  romeo.send("<presence from='juliet@localhost' to='juliet@localhost' type='subscribed'/>");
  EXPECT_EQ(state("juliet@localhost", "romeo@localhost"), router::SubscriptionState{});
}

// decision 0006: nothing is said of what was not stored.
TEST_P(SubscriptionTest, FailedCommit) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  world.fail_commits = Error(Errc::kDiskFull);
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  EXPECT_EQ(received_error(romeo), "resource-constraint");
  EXPECT_EQ(romeo.waiting(), 0U);
  expect_received(juliet, {});
  EXPECT_FALSE(state("romeo@localhost", "juliet@localhost").pending_out);
  world.fail_commits.reset();

  romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
  romeo.clear();
  juliet.clear();
  world.fail_commits = Error(Errc::kDiskFull);
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  EXPECT_EQ(received_error(juliet), "resource-constraint");
  expect_received(romeo, {});
  EXPECT_EQ(state("juliet@localhost", "romeo@localhost"),
            (router::SubscriptionState{.pending_in = true}));
  world.fail_commits.reset();
  juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
  EXPECT_EQ(state("romeo@localhost", "juliet@localhost"), (router::SubscriptionState{.to = true}));
}

// An account that is removed leaves nobody with half a subscription.
TEST_P(SubscriptionTest, AccountRemoval) {
  TestClient& romeo = login("romeo@localhost/orchard");
  TestClient& juliet = login("juliet@localhost/balcony");
  TestClient& nurse = login("nurse@localhost/hall");
  grant(juliet, romeo);
  grant(romeo, juliet);
  nurse.send("<presence to='juliet@localhost' type='subscribe'/>");
  juliet.send("<presence to='friar@localhost' type='subscribe'/>");
  for (TestClient* client : {&romeo, &juliet, &nurse}) client->clear();

  world.router_of("juliet@localhost").remove_account(juliet.jid().bare());
  world.run();
  EXPECT_TRUE(juliet.closed());
  expect_received(
      romeo,
      {"<presence from='juliet@localhost/balcony' to='romeo@localhost' type='unavailable'/>",
       "<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribe'/>",
       push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='to'/>"),
       "<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribed'/>",
       push("romeo@localhost/orchard", "<item jid='juliet@localhost' subscription='none'/>")});
  expect_received(
      nurse, {"<presence from='juliet@localhost' to='nurse@localhost' type='unsubscribed'/>",
              push("nurse@localhost/hall", "<item jid='juliet@localhost' subscription='none'/>")});
}

}  // namespace
}  // namespace balcony::modules
