// RFC 3921 §3, for old clients.
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

std::string session(std::string_view to) {
  return "<iq type='set' id='s'" + std::string(to) +
         "><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>";
}

TEST(SessionTest, IsEstablishedWithTheServerOrTheAccount) {
  World world({&rfc_3921_session});
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send(session(" to='localhost'"));
  expect_received(romeo, {"<iq type='result' id='s' from='localhost'"
                          " to='romeo@localhost/orchard'/>"});
  romeo.send(session(""));
  expect_received(romeo, {"<iq type='result' id='s' to='romeo@localhost/orchard'/>"});
  world.account("juliet@localhost");
  romeo.send(session(" to='juliet@localhost'"));
  EXPECT_EQ(received_error(romeo), "service-unavailable");
}

TEST(SessionTest, IsOfferedAsOptional) {
  World world({&rfc_3921_session});
  xml::Element features(ns::kStream, "features");
  world.router(0).host("localhost")->fire(router::StreamFeatures{features});
  EXPECT_TRUE(features.child(ns::kSession, "session").child(ns::kSession, "optional"));
}

}  // namespace
}  // namespace balcony::modules
