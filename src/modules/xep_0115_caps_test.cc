// XEP-0115: the hash (§5.1) with the examples of §5.2 and §5.3, and how clients find it.
#include "modules/disco.h"
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::received_error;
using testing::TestClient;
using testing::World;

std::string hash_of(std::string_view content) {
  auto query = xml::parse("<query xmlns='http://jabber.org/protocol/disco#info'>" +
                          std::string(content) + "</query>");
  EXPECT_TRUE(query) << content;
  return query ? caps_hash(*query) : std::string{};
}

constexpr std::string_view kFeatures =
    "<feature var='http://jabber.org/protocol/caps'/>"
    "<feature var='http://jabber.org/protocol/muc'/>"
    "<feature var='http://jabber.org/protocol/disco#items'/>"
    "<feature var='http://jabber.org/protocol/disco#info'/>";

TEST(CapsHashTest, SimpleExample) {  // §5.2
  EXPECT_EQ(hash_of("<identity category='client' type='pc' name='Exodus 0.9.1'/>" +
                    std::string(kFeatures)),
            "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

TEST(CapsHashTest, ComplexExample) {  // §5.3
  constexpr std::string_view kIdentities[] = {
      "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>",
      "<identity xml:lang='el' category='client' name='\u03A8 0.11' type='pc'/>"};
  const std::string form =
      "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
      "<value>urn:xmpp:dataforms:softwareinfo</value></field>"
      "<field var='software'><value>Psi</value></field>"
      "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>"
      "<field var='os_version'><value>10.5.1</value></field>"
      "<field var='os'><value>Mac</value></field>"
      "<field var='software_version'><value>0.11</value></field></x>";
  const std::string ver = "q07IKJEyjvHSyhy//CH0CxmKi8w=";
  EXPECT_EQ(hash_of(std::string(kIdentities[0]) + std::string(kIdentities[1]) +
                    std::string(kFeatures) + form),
            ver);
  // §5.1: in whatever order they come.
  EXPECT_EQ(hash_of(form + std::string(kFeatures) + std::string(kIdentities[1]) +
                    std::string(kIdentities[0])),
            ver);
}

// §5.1 step 2: by category, then by type: "pc" is before "pc-x", though '-' is before '/'.
TEST(CapsHashTest, IdentitiesAreSortedByTheirParts) {
  const auto both = [](std::string_view a, std::string_view b) {
    return hash_of("<identity category='client' type='" + std::string(a) +
                   "'/><identity category='client' type='" + std::string(b) + "'/>");
  };
  EXPECT_EQ(both("pc", "pc-x"), "aCV5WeOTT05wJ6Q6zjQavFBCu+g=");
  EXPECT_EQ(both("pc-x", "pc"), both("pc", "pc-x"));
}

// A form without FORM_TYPE, or with one that is not hidden, does not count (§5.4 step 3.6).
TEST(CapsHashTest, FormsWithoutTypeDoNotCount) {
  const std::string without = hash_of(kFeatures);
  EXPECT_EQ(hash_of(std::string(kFeatures) +
                    "<x xmlns='jabber:x:data' type='result'><field var='a'><value>b</value>"
                    "</field></x>"),
            without);
}

TEST(CapsTest, TheStreamFeatureCanBeLookedUp) {
  World world({&xep_0030_disco, &xep_0115_caps, &xep_0199_ping});
  xml::Element features(ns::kStream, "features");
  world.router(0).host("localhost")->fire(router::StreamFeatures{features});
  const xml::ElementView caps = features.child(ns::kCaps, "c");
  ASSERT_TRUE(caps);
  EXPECT_EQ(caps.attr("hash"), "sha-1");

  TestClient& romeo = world.login("romeo@localhost/orchard");
  const std::string node = std::string(caps.attr("node")) + "#" + std::string(caps.attr("ver"));
  romeo.send("<iq type='get' id='d' to='localhost'><query node='" + node +
             "' xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  const xml::Element iq = romeo.received_element();
  const xml::ElementView query = iq.child(ns::kDiscoInfo, "query");
  EXPECT_EQ(query.attr("node"), node);
  EXPECT_EQ(caps_hash(query), caps.attr("ver"));
  // Another hash is not ours.
  romeo.send("<iq type='get' id='d' to='localhost'><query node='" + node +
             "x' xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  EXPECT_EQ(received_error(romeo), "item-not-found");
}

// What is said changes with the configuration, and the hash with it.
TEST(CapsTest, AReloadMakesAnotherHash) {
  World world({&xep_0030_disco, &xep_0115_caps, &xep_0157_contact});
  const auto ver = [&world] {
    xml::Element features(ns::kStream, "features");
    world.router(0).host("localhost")->fire(router::StreamFeatures{features});
    return std::string(features.child(ns::kCaps, "c").attr("ver"));
  };
  const std::string before = ver();
  world.set("contact", "admin", std::vector<std::string>{"mailto:admin@localhost"});
  EXPECT_NE(ver(), before);
}

}  // namespace
}  // namespace balcony::modules
