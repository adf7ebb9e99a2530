// XEP-0386 §3.2: messages that a client finds in the archive are not given to it a second time.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

// At a client that binds inline: what has to be done before it hears of its session.
std::vector<std::string> bind_inline(World& world, TestClient& client) {
  router::InlineBound event{client.resource()};
  client.resource().user->host->fire(event);
  std::vector<std::string> said;
  for (Task<xml::Element>& work : event.work) {
    spawn([](Task<xml::Element> task, std::vector<std::string>& to) -> Task<> {
      const xml::Element answer = co_await std::move(task);
      if (answer) to.push_back(xml::to_string(answer));
    }(std::move(work), said));
  }
  world.run();
  return said;
}

class OfflineWithArchive : public ::testing::Test {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0160_offline,
               &xep_0313_archive},
              1};
  TestClient& romeo = world.login("romeo@localhost/orchard");

  void SetUp() override { world.account("juliet@localhost"); }
  void say(const std::string& content) {
    romeo.send("<message to='juliet@localhost' type='chat'>" + content + "</message>");
  }
};

TEST_F(OfflineWithArchive, AClientThatBindsInlineFindsItThere) {
  say("<body>1</body>");
  say("<note xmlns='urn:example'>2</note>");  // kept for later, but not worth keeping for ever
  say("<body>3</body>");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  const auto said = bind_inline(world, juliet);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].starts_with("<metadata xmlns='urn:xmpp:mam:2'><start id='")) << said[0];
  say("<body>4</body>");  // between binding and presence: not in what it was told of
  juliet.send("<presence/>");
  std::string got;
  while (juliet.waiting() > 0) {
    const xml::Element stanza = juliet.received_element();
    got += stanza.view().child_text(ns::kClient, "body");
    got += stanza.view().child_text("urn:example", "note");
  }
  EXPECT_EQ(got, "24");
}

TEST_F(OfflineWithArchive, WhoNeverComesForItLeavesItToOthers) {
  say("<body>1</body>");
  TestClient& sender = world.login("juliet@localhost/sender");
  bind_inline(world, sender);
  TestClient& old = world.login("juliet@localhost/old");
  old.send("<presence/>");
  EXPECT_EQ(old.waiting(), 2U);
  EXPECT_EQ(sender.waiting(), 0U);
}

TEST_F(OfflineWithArchive, OthersGetItAsAlways) {
  say("<body>1</body>");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<presence/>");
  EXPECT_EQ(juliet.waiting(), 2U);  // her own presence, and the message
}

}  // namespace
}  // namespace balcony::modules
