// XEP-0390 §5: the server's hash in the stream features, and the node of that name.
#include "modules/caps2.h"
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

class Caps2ModuleTest : public ::testing::Test {
 protected:
  World world{{&xep_0030_disco, &xep_0157_contact, &xep_0390_caps2}};
  TestClient& romeo = world.login("romeo@localhost/orchard");

  std::string offered() {
    xml::Element features(ns::kStream, "features");
    world.router(0).host("localhost")->fire(router::StreamFeatures{features});
    const xml::ElementView hash = features.child(ns::kCaps2, "c").child(ns::kHashes, "hash");
    EXPECT_EQ(hash.attr("algo"), "sha-256");
    return hash.text();
  }
  xml::Element ask(const std::string& node, const std::string& to = "localhost") {
    romeo.send("<iq type='get' id='d' to='" + to + "'><query node='" + node +
               "' xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    return romeo.received_element();
  }
};

TEST_F(Caps2ModuleTest, TheNodeHasTheHash) {
  const std::string hash = offered();
  const xml::Element answer = ask(caps2_node(hash));
  ASSERT_EQ(answer.attr("type"), "result");
  const xml::ElementView query = answer.first_child();
  EXPECT_EQ(query.attr("node"), caps2_node(hash));
  EXPECT_EQ(caps2_hash(query).value_or(""), hash);
  for (const char* node : {"urn:xmpp:caps", "urn:xmpp:caps#", "urn:xmpp:caps#sha-256.AAAA"}) {
    EXPECT_EQ(ask(node).attr("type"), "error") << node;
  }
  EXPECT_EQ(ask(caps2_node(hash), "romeo@localhost").attr("type"), "error");
}

TEST_F(Caps2ModuleTest, AReloadMakesAnotherHash) {
  const std::string before = offered();
  EXPECT_EQ(offered(), before);
  world.set("contact", "abuse", std::vector<std::string>{"mailto:abuse@example.org"});
  EXPECT_NE(offered(), before);
  EXPECT_EQ(ask(caps2_node(before)).attr("type"), "error");
  EXPECT_EQ(ask(caps2_node(offered())).attr("type"), "result");
}

}  // namespace
}  // namespace balcony::modules
