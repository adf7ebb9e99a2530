// XEP-0092 §2 and §4.
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

xml::Element ask(World& world) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<iq type='get' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>");
  return romeo.received_element().child(ns::kVersion, "query").clone();
}

TEST(VersionTest, NameAndVersionButNoOperatingSystem) {
  World world({&xep_0092_version});
  const xml::Element query = ask(world);
  EXPECT_EQ(query.view().child_text(ns::kVersion, "name"), "Balcony");
  EXPECT_FALSE(query.view().child_text(ns::kVersion, "version").empty());
  EXPECT_FALSE(query.child(ns::kVersion, "os"));
}

TEST(VersionTest, TheOperatingSystemWhereTheOperatorWantsIt) {
  World world({&xep_0092_version});
  world.set("version", "show_os", true);
  EXPECT_FALSE(ask(world).view().child_text(ns::kVersion, "os").empty());
}

TEST(VersionTest, OnlyTheServerAnswers) {
  World world({&xep_0092_version});
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<iq type='get' id='v'><query xmlns='jabber:iq:version'/></iq>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
  romeo.send("<iq type='set' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>");
  EXPECT_EQ(received_error(romeo), "service-unavailable");
}

}  // namespace
}  // namespace balcony::modules
