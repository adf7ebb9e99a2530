// XEP-0202 §3.
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

TEST(TimeTest, TheServersClockInUtc) {
  World world({&xep_0202_time});
  TestClient& romeo = world.login("romeo@localhost/orchard");
  const std::string ask = "<iq type='get' id='t' to='localhost'><time xmlns='urn:xmpp:time'/></iq>";
  romeo.send(ask);
  expect_received(romeo, {"<iq type='result' id='t' from='localhost' to='romeo@localhost/orchard'>"
                          "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo>"
                          "<utc>2023-11-14T22:13:20Z</utc></time></iq>"});
  world.advance(std::chrono::milliseconds(1'500));
  romeo.send(ask);
  EXPECT_NE(romeo.received().find("<utc>2023-11-14T22:13:21.500Z</utc>"), std::string::npos);
}

}  // namespace
}  // namespace balcony::modules
