// XEP-0199 §4.2 and §4.3.
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

class PingTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &xep_0199_ping}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, PingTest, ::testing::Values(1, 2));

std::string ping(std::string_view to) {
  return "<iq type='get' id='p'" + std::string(to) + "><ping xmlns='urn:xmpp:ping'/></iq>";
}

TEST_P(PingTest, TheServerAndTheOwnAccountAnswer) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send(ping(" to='localhost'"));
  expect_received(romeo, {"<iq type='result' id='p' from='localhost'"
                          " to='romeo@localhost/orchard'/>"});
  romeo.send(ping(""));
  expect_received(romeo, {"<iq type='result' id='p' to='romeo@localhost/orchard'/>"});
}

// RFC 6121 §8.5.1: to the letter the same answer, whether the account is there or not.
TEST_P(PingTest, AStrangerCannotTellWhetherAnAccountExists) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.account("juliet@localhost");
  for (const char* resource : {"", "/balcony"}) {
    romeo.send(ping(" to='juliet@localhost" + std::string(resource) + "'"));
    std::string there = romeo.received();
    EXPECT_NE(there.find("<service-unavailable"), std::string::npos) << there;
    romeo.send(ping(" to='tybalt@localhost" + std::string(resource) + "'"));
    there.replace(there.find("juliet"), 6, "tybalt");
    EXPECT_EQ(romeo.received(), there);
  }
}

TEST_P(PingTest, ASubscriberIsAnswered) {
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
  juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
  romeo.clear();
  romeo.send(ping(" to='juliet@localhost'"));
  EXPECT_EQ(romeo.received_element().attr("type"), "result");
  juliet.clear();
  juliet.send(ping(" to='romeo@localhost'"));
  EXPECT_EQ(received_error(juliet), "service-unavailable");
}

}  // namespace
}  // namespace balcony::modules
