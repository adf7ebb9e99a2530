// XEP-0352 §4.1, and what the module says to a stream whose client is inactive.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

TEST(ClientStateModule, OffersAndSaysHowMuch) {
  World world{{&xep_0352_client_state}};
  TestClient& juliet = world.login("juliet@localhost/balcony");
  const router::Host& host = *world.router(0).host("localhost");
  xml::Element features(ns::kStream, "features");
  host.fire(router::StreamFeatures{features});
  EXPECT_TRUE(features.child("urn:xmpp:csi:0", "csi"));

  world.set("client_state", "stanzas_max", std::int64_t{7});
  router::ClientInactive event{juliet.resource()};
  EXPECT_EQ(host.fire(event), router::Flow::kStop);
  EXPECT_EQ(event.stanzas_max, 7U);
  EXPECT_EQ(event.bytes_max, 256U * 1024);
}

}  // namespace
}  // namespace balcony::modules
