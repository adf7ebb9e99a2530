// XEP-0012: the server's age, and who learns when somebody was there.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::TestClient;
using testing::World;

std::string last(std::string_view to) {
  return "<iq type='get' id='l' to='" + std::string(to) + "'><query xmlns='jabber:iq:last'/></iq>";
}

class LastTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0012_last},
              GetParam()};
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  void subscribe() {
    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    romeo.clear();
    juliet.clear();
  }
  // What Romeo learns of Juliet: "seconds status".
  std::string learn() {
    romeo.clear();
    romeo.send(last("juliet@localhost"));
    const xml::Element iq = romeo.received_element();
    const xml::ElementView query = iq.child(ns::kLastActivity, "query");
    if (!query) return std::string(iq.child(ns::kClient, "error").first_child().name());
    return std::string(query.attr("seconds")) + " " + query.text();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, LastTest, ::testing::Values(1, 2));

TEST_P(LastTest, TheServer) {  // §5
  world.advance(std::chrono::seconds(123'456));
  romeo.send(last("localhost"));
  expect_received(romeo, {"<iq type='result' id='l' from='localhost' to='romeo@localhost/orchard'>"
                          "<query xmlns='jabber:iq:last' seconds='123456'/></iq>"});
}

TEST_P(LastTest, ASubscriberLearnsWhenSheLeft) {  // §3
  subscribe();
  EXPECT_EQ(learn(), "0 ");
  juliet.send("<presence type='unavailable'><status>Heading Home</status></presence>");
  world.advance(std::chrono::seconds(903));
  EXPECT_EQ(learn(), "903 Heading Home");
  // A session without presence says nothing.
  juliet.disconnect();
  world.login("juliet@localhost/hidden");
  EXPECT_EQ(learn(), "903 Heading Home");
  // The last of several counts, also when its connection is lost.
  TestClient& one = world.login_available("juliet@localhost/one");
  TestClient& two = world.login_available("juliet@localhost/two");
  one.send("<presence type='unavailable'><status>one</status></presence>");
  EXPECT_EQ(learn(), "0 ");
  two.disconnect();
  world.advance(std::chrono::seconds(2));
  EXPECT_EQ(learn(), "2 ");
}

TEST_P(LastTest, WhoHasNeverBeenThere) {
  subscribe();
  storage::Batch batch;
  batch.add("juliet@localhost", storage::op::EraseStore{"last"});
  juliet.disconnect();
  world.store().commit(std::move(batch));
  EXPECT_EQ(learn(), "item-not-found");
  storage::Batch broken;
  broken.add("juliet@localhost", storage::op::Put{"last", "", "yesterday"});
  world.store().commit(std::move(broken));
  EXPECT_EQ(learn(), "item-not-found");
}

TEST_P(LastTest, AStatusThatIsTooLongIsNotKept) {
  subscribe();
  juliet.send("<presence type='unavailable'><status>" + std::string(2'000, 'x') +
              "</status></presence>");
  EXPECT_EQ(learn(), "0 ");
}

TEST_P(LastTest, AStrangerLearnsNothing) {
  juliet.disconnect();
  romeo.send(last("juliet@localhost"));
  std::string there = romeo.received();
  EXPECT_NE(there.find("<service-unavailable"), std::string::npos) << there;
  romeo.send(last("tybalt@localhost"));
  there.replace(there.find("juliet"), 6, "tybalt");
  EXPECT_EQ(romeo.received(), there);
}

TEST_P(LastTest, AStrangersQuestionDoesNotReachAClient) {  // §4
  romeo.send(last("juliet@localhost/balcony"));
  std::string there = romeo.received();
  EXPECT_NE(there.find("<service-unavailable"), std::string::npos) << there;
  expect_received(juliet, {});
  romeo.send(last("juliet@localhost/elsewhere"));
  there.replace(there.find("/balcony"), 8, "/elsewhere");
  EXPECT_EQ(romeo.received(), there);
  // Directed presence tells him that she is there anyway.
  juliet.send("<presence to='romeo@localhost/orchard'/>");
  romeo.clear();
  romeo.send(last("juliet@localhost/balcony"));
  EXPECT_EQ(juliet.received_element().attr("from"), "romeo@localhost/orchard");
  // And what is no question for the last activity goes through.
  TestClient& nurse = world.login("nurse@localhost/hall");
  nurse.send("<iq type='get' id='q' to='juliet@localhost/balcony'><q xmlns='other'/></iq>");
  EXPECT_EQ(juliet.received_element().attr("id"), "q");
}

TEST_P(LastTest, ASubscribersQuestionReachesTheClient) {
  subscribe();
  romeo.send(last("juliet@localhost/balcony"));
  EXPECT_EQ(juliet.received_element().attr("from"), "romeo@localhost/orchard");
}

}  // namespace
}  // namespace balcony::modules
