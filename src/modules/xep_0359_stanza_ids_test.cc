// XEP-0359 §5: what is added, and what nobody else may say.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

class StanzaIdTest : public ::testing::Test {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_presence, &xep_0359_stanza_ids}};
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  TestClient& romeo = world.login("romeo@localhost/orchard");

  // The ids that Juliet sees in what Romeo sends with `payload`, as "by id".
  std::vector<std::string> ids(std::string_view type, std::string_view payload) {
    romeo.send("<message to='juliet@localhost/balcony' type='" + std::string(type) + "'>" +
               std::string(payload) + "</message>");
    const xml::Element message = juliet.received_element();
    std::vector<std::string> all;
    for (const auto id : message.children(ns::kStanzaId, "stanza-id")) {
      all.push_back(std::string(id.attr("by")) + " " + std::string(id.attr("id")));
    }
    return all;
  }
  static std::string forged(std::string_view by) {
    return "<stanza-id xmlns='urn:xmpp:sid:0' by='" + std::string(by) + "' id='forged'/>";
  }
};

TEST_F(StanzaIdTest, EachMessageHasAnIdOfItsOwn) {
  const auto first = ids("chat", "<body>a</body>");
  const auto second = ids("normal", "<body>b</body>");
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_TRUE(first[0].starts_with("juliet@localhost ")) << first[0];
  EXPECT_NE(first, second);
  EXPECT_TRUE(ids("headline", "<body>c</body>").empty());
}

// §5 (2): whoever the letters of the address are meant to fool.
TEST_F(StanzaIdTest, ForgedIdsAreRemoved) {
  for (const char* by : {"juliet@localhost", "JULIET@LOCALHOST", "juliet@localhost/balcony", "",
                         "@", "juliet@localhost."}) {
    for (const char* type : {"chat", "headline", "groupchat", "error"}) {
      for (const std::string& id : ids(type, forged(by) + forged(by))) {
        EXPECT_EQ(id.find("forged"), std::string::npos) << type << " by " << by;
      }
    }
  }
}

// §5 (3): those of others stay, and so does the sender's own id.
TEST_F(StanzaIdTest, OthersIdsStay) {
  const auto all = ids("chat", forged("room@rooms.localhost"));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], "room@rooms.localhost forged");
  romeo.send(
      "<message to='juliet@localhost/balcony'><origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
      "</message>");
  EXPECT_EQ(juliet.received_element().child(ns::kStanzaId, "origin-id").attr("id"), "o");
}

// §5 (2): "even if they are not adding their own stanza ID".
TEST_F(StanzaIdTest, WithoutAddingForgedIdsAreRemovedAllTheSame) {
  world.set("stanza_ids", "add", false);
  EXPECT_TRUE(ids("chat", forged("juliet@localhost")).empty());
}

TEST_F(StanzaIdTest, PresenceAndRequestsAreLeftAlone) {
  romeo.send("<presence to='juliet@localhost/balcony'>" + forged("juliet@localhost") +
             "</presence>");
  EXPECT_TRUE(juliet.received_element().child(ns::kStanzaId, "stanza-id"));
}

}  // namespace
}  // namespace balcony::modules
