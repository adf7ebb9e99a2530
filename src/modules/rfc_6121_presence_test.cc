// The dialogues of RFC 6121 §4, with one and with several shards.
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

// Refuses presence to one contact, as blocking will.
void attach_wall(Registrar& on, Server&, const NoOptions&) {
  on.on<router::PresenceSending>([](router::PresenceSending& e) {
    return e.to.local() == "tybalt" ? Flow::kStop : Flow::kContinue;
  });
}
const ModuleSpec kWall = router::module<NoOptions>("wall", {}, "Of the tests.", {}, attach_wall);

class PresenceTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  // `contact` gets the presence of `user`; both are bare JIDs and offline.
  void grant(std::string_view user, std::string_view contact) {
    TestClient& asking = world.login(std::string(contact) + "/setup");
    TestClient& giving = world.login(std::string(user) + "/setup");
    asking.send("<presence type='subscribe' to='" + std::string(user) + "'/>");
    giving.send("<presence type='subscribed' to='" + std::string(contact) + "'/>");
    asking.disconnect();
    giving.disconnect();
  }
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &kWall}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, PresenceTest, ::testing::Values(1, 2, 4));

// RFC 6121 §4.2 and §4.3: Romeo comes while Juliet, whose presence he gets and who gets his, is
// there, and Benvolio, who gets his, and the Nurse, who has nothing to do with him.
TEST_P(PresenceTest, InitialPresence) {
  grant("juliet@localhost", "romeo@localhost");
  grant("romeo@localhost", "juliet@localhost");
  grant("romeo@localhost", "benvolio@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& benvolio = world.login_available("benvolio@localhost/square");
  TestClient& nurse = world.login_available("nurse@localhost/hall");
  TestClient& home = world.login_available("romeo@localhost/home");
  juliet.send("<presence><show>away</show></presence>");
  for (TestClient* client : {&juliet, &benvolio, &home}) client->clear();

  TestClient& romeo = world.login("romeo@localhost/orchard");
  expect_received(juliet, {}, "not before he is available");
  romeo.send("<presence><status>wandering</status></presence>");
  const auto presence = [](std::string_view to) {
    return "<presence from='romeo@localhost/orchard' to='" + std::string(to) +
           "'><status>wandering</status></presence>";
  };
  expect_received(juliet, {presence("juliet@localhost")});
  expect_received(benvolio, {presence("benvolio@localhost")});
  expect_received(nurse, {});
  expect_received(home, {presence("romeo@localhost/home")});
  expect_received(
      romeo,
      {presence("romeo@localhost/orchard"),
       "<presence from='romeo@localhost/home' to='romeo@localhost/orchard'/>",
       // §4.3.2: the answer to the probe goes to the resource that it was sent for.
       "<presence from='juliet@localhost/balcony' to='romeo@localhost/orchard'><show>away</show>"
       "</presence>"});
}

// RFC 6121 §4.4: what is new goes to the same, and nobody is asked again.
TEST_P(PresenceTest, SubsequentPresence) {
  grant("juliet@localhost", "romeo@localhost");
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  juliet.clear();
  romeo.send("<presence><show>xa</show><priority>-5</priority></presence>");
  expect_received(juliet, {"<presence from='romeo@localhost/orchard' to='juliet@localhost'>"
                           "<show>xa</show><priority>-5</priority></presence>"});
  expect_received(romeo, {"<presence from='romeo@localhost/orchard' to='romeo@localhost/orchard'>"
                          "<show>xa</show><priority>-5</priority></presence>"});
  EXPECT_EQ(romeo.resource().priority, -5);
  // What a probe tells is the latest.
  TestClient& chamber = world.login("juliet@localhost/chamber");
  chamber.send("<presence/>");
  EXPECT_NE(chamber.received_all().find("<priority>-5</priority>"), std::string::npos);
}

// RFC 6121 §4.7.2.3.
TEST_P(PresenceTest, Priorities) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  for (const char* bad : {"128", "-129", "", "high", "1.5", "1 2", "+-1", "0x1", "--1"}) {
    romeo.send("<presence id='p'><priority>" + std::string(bad) + "</priority></presence>");
    EXPECT_EQ(received_error(romeo), "bad-request") << bad;
    EXPECT_FALSE(romeo.resource().available) << bad;
  }
  const std::pair<const char*, int> good[] = {{"0", 0},  {"127", 127}, {"-128", -128},
                                              {"+7", 7}, {" 5\n", 5},  {"007", 7}};
  for (const auto& [text, value] : good) {
    romeo.send("<presence><priority>" + std::string(text) + "</priority></presence>");
    EXPECT_EQ(romeo.resource().priority, value) << text;
  }
  EXPECT_TRUE(romeo.resource().available);
}

// RFC 6121 §4.5.
TEST_P(PresenceTest, UnavailableByPresence) {
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& home = world.login_available("romeo@localhost/home");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  for (TestClient* client : {&juliet, &home}) client->clear();
  romeo.send("<presence type='unavailable'><status>good night</status></presence>");
  const auto gone = [](std::string_view to) {
    return "<presence type='unavailable' from='romeo@localhost/orchard' to='" + std::string(to) +
           "'><status>good night</status></presence>";
  };
  expect_received(juliet, {gone("juliet@localhost")});
  expect_received(home, {gone("romeo@localhost/home")});
  expect_received(romeo, {gone("romeo@localhost/orchard")});
  // Once is enough, also when the session then ends.
  romeo.send("<presence type='unavailable'/>");
  romeo.disconnect();
  expect_received(juliet, {});
  expect_received(home, {});
}

TEST_P(PresenceTest, UnavailableByTheEndOfTheSession) {
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& home = world.login_available("romeo@localhost/home");
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  for (TestClient* client : {&juliet, &home}) client->clear();
  romeo.disconnect();
  expect_received(juliet, {"<presence type='unavailable' from='romeo@localhost/orchard'"
                           " to='juliet@localhost'/>"});
  expect_received(home, {"<presence type='unavailable' from='romeo@localhost/orchard'"
                         " to='romeo@localhost/home'/>"});
}

TEST_P(PresenceTest, WhoNeverWasAvailableLeavesSilently) {
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<presence type='unavailable'/>");
  romeo.disconnect();
  expect_received(juliet, {});
}

// RFC 6121 §4.3.2.
TEST_P(PresenceTest, ProbesAreAnsweredToWhoMayKnow) {
  grant("juliet@localhost", "romeo@localhost");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& tybalt = world.login("paris@localhost/street");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  // Connected but not available.
  romeo.send("<presence to='juliet@localhost' type='probe'/>");
  expect_received(
      romeo,
      {"<presence from='juliet@localhost' to='romeo@localhost/orchard' type='unavailable'/>"});
  juliet.send("<presence><show>chat</show></presence>");
  TestClient& chamber = world.login_available("juliet@localhost/chamber");
  romeo.clear();
  romeo.send("<presence to='juliet@localhost' type='probe'/>");
  expect_received(
      romeo,
      {"<presence from='juliet@localhost/balcony' to='romeo@localhost/orchard'><show>chat</show>"
       "</presence>",
       "<presence from='juliet@localhost/chamber' to='romeo@localhost/orchard'/>"});
  expect_received(chamber, {});

  // A stranger learns nothing, whatever he asks for.
  tybalt.send("<presence/>");
  tybalt.clear();
  for (const char* to : {"juliet@localhost", "juliet@localhost/balcony", "nobody@localhost"}) {
    tybalt.send("<presence to='" + std::string(to) + "' type='probe'/>");
    const auto answer = tybalt.received_element();
    if (answer) {
      EXPECT_EQ(answer.attr("type"), "unsubscribed") << to;
    }
    EXPECT_EQ(tybalt.waiting(), 0U) << to;
  }
}

// RFC 6121 §4.3.2: "unsubscribed" in answer to a probe puts right what one side has lost.
TEST_P(PresenceTest, LostStateIsPutRightByProbes) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.login_available("juliet@localhost/balcony");
  const auto user = world.router_of("romeo@localhost").users().loaded("romeo@localhost");
  // Romeo believes that he is subscribed; Juliet's side knows nothing of it.
  user->roster.get_or_add(*Jid::parse("juliet@localhost")).state.to = true;
  romeo.send("<presence/>");
  world.run();
  const auto* item = user->roster.find(*Jid::parse("juliet@localhost"));
  ASSERT_NE(item, nullptr);
  EXPECT_FALSE(item->state.to);
}

// A login costs nothing for contacts who are not there.
TEST_P(PresenceTest, ContactsWhoAreOfflineAreNotLoaded) {
  for (const char* name : {"a@localhost", "b@localhost", "c@localhost"}) {
    grant("romeo@localhost", name);
    grant(name, "romeo@localhost");
    world.router_of(name).users().forget(name);
  }
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<presence/>");
  romeo.send("<presence type='unavailable'/>");
  for (const char* name : {"a@localhost", "b@localhost", "c@localhost"}) {
    EXPECT_EQ(world.router_of(name).users().loaded(name), nullptr);
  }
  EXPECT_EQ(romeo.waiting(), 2U);
}

// RFC 6121 §4.6.
TEST_P(PresenceTest, DirectedPresence) {
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  TestClient& nurse = world.login_available("nurse@localhost/hall");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  romeo.send("<presence to='nurse@localhost'><show>dnd</show></presence>");
  expect_received(nurse, {"<presence from='romeo@localhost/orchard' to='nurse@localhost'>"
                          "<show>dnd</show></presence>"});
  romeo.send("<presence to='juliet@localhost/balcony'/>");
  juliet.clear();
  // What follows is not for them; only that he leaves.
  romeo.send("<presence><show>xa</show></presence>");
  expect_received(nurse, {});
  // He takes leave from one of them.
  romeo.send("<presence to='juliet@localhost/balcony' type='unavailable'/>");
  expect_received(juliet, {"<presence from='romeo@localhost/orchard'"
                           " to='juliet@localhost/balcony' type='unavailable'/>"});
  romeo.disconnect();
  expect_received(nurse, {"<presence from='romeo@localhost/orchard' to='nurse@localhost'"
                          " type='unavailable'/>"});
  expect_received(juliet, {}, "she was told");
}

TEST_P(PresenceTest, DirectedPresenceWithoutBeingAvailable) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& nurse = world.login_available("nurse@localhost/hall");
  romeo.send("<presence to='nurse@localhost/hall'/>");
  nurse.clear();
  romeo.send("<presence type='unavailable'><status>bye</status></presence>");
  expect_received(nurse, {"<presence from='romeo@localhost/orchard' to='nurse@localhost/hall'"
                          " type='unavailable'><status>bye</status></presence>"});
  expect_received(romeo, {}, "nothing was broadcast, so nothing is taken back");
}

TEST_P(PresenceTest, SubscribersAreTakenLeaveOfOnce) {
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<presence to='juliet@localhost'/>");
  romeo.send("<presence/>");
  romeo.send("<presence to='juliet@localhost'/>");
  juliet.clear();
  romeo.disconnect();
  EXPECT_EQ(juliet.waiting(), 1U);
}

TEST_P(PresenceTest, DirectedPresenceIsLimited) {
  router::RouterOptions options;
  options.directed_max = 2;
  for (std::size_t i = 0; i < GetParam(); ++i) world.router(i).set_options(options);
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<presence to='a@localhost'/>");
  romeo.send("<presence to='b@localhost'/>");
  romeo.send("<presence to='b@localhost'/>");
  EXPECT_EQ(romeo.waiting(), 0U);
  romeo.send("<presence to='c@localhost'/>");
  EXPECT_EQ(received_error(romeo), "resource-constraint");
  romeo.send("<presence to='a@localhost' type='unavailable'/>");
  romeo.send("<presence to='c@localhost'/>");
  EXPECT_EQ(romeo.waiting(), 0U);
}

// RFC 6121 §4.6.3: who has gone, or wants none, is not told any more.
TEST_P(PresenceTest, WhoHasGoneIsNotToldAnyMore) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& nurse = world.login_available("nurse@localhost/hall");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  romeo.send("<presence to='nurse@localhost/hall'/>");
  romeo.send("<presence to='juliet@localhost/balcony'/>");
  nurse.send("<presence to='romeo@localhost/orchard' type='unavailable'/>");
  juliet.send("<presence to='romeo@localhost/orchard' type='error'/>");
  EXPECT_EQ(romeo.waiting(), 2U);
  nurse.clear();
  juliet.clear();
  romeo.disconnect();
  expect_received(nurse, {});
  expect_received(juliet, {});
}

// The blocking of contacts hangs on this event.
TEST_P(PresenceTest, PresenceSendingMayBeStopped) {
  grant("romeo@localhost", "tybalt@localhost");
  grant("romeo@localhost", "juliet@localhost");
  TestClient& tybalt = world.login_available("tybalt@localhost/street");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  world.login_available("romeo@localhost/orchard").disconnect();
  EXPECT_EQ(juliet.waiting(), 2U);
  expect_received(tybalt, {});
}

// Between a failed commit and the roster's being read again, nothing is decided on an empty roster.
TEST_P(PresenceTest, PresenceWaitsWhileTheRosterIsRead) {
  grant("romeo@localhost", "juliet@localhost");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& home = world.login_available("romeo@localhost/home");
  juliet.clear();
  router::Router& router = world.router_of("romeo@localhost");
  router.users().reload(*router.users().loaded("romeo@localhost"));
  romeo.send("<presence/>");
  expect_received(juliet, {"<presence from='romeo@localhost/orchard' to='juliet@localhost'/>"});
  router.users().reload(*router.users().loaded("romeo@localhost"));
  home.disconnect();
  expect_received(juliet, {"<presence from='romeo@localhost/home' to='juliet@localhost'"
                           " type='unavailable'/>"});
}

}  // namespace
}  // namespace balcony::modules
