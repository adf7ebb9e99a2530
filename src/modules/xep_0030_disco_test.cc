// XEP-0030: who learns what of the server and of accounts.
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

// A module that knows a node.
void attach_node(Registrar& on, Server&, const NoOptions&) {
  on.on<router::DiscoInfo>([](router::DiscoInfo& e) {
    if (e.node != "music") return Flow::kContinue;
    e.query.append("identity").set("category", "pubsub").set("type", "leaf");
    return Flow::kStop;
  });
  on.on<router::DiscoItems>([](router::DiscoItems& e) {
    if (!e.account && e.node.empty()) e.query.append("item").set("jid", "rooms.localhost");
    return e.node == "music" ? Flow::kStop : Flow::kContinue;
  });
}
const ModuleSpec kNode = router::module<NoOptions>("node", {}, "Of the tests.", {}, attach_node);

std::string ask(std::string_view what, std::string_view to, std::string_view node = {}) {
  return "<iq type='get' id='d'" + std::string(to) +
         "><query xmlns='http://jabber.org/protocol/disco#" + std::string(what) + "'" +
         (node.empty() ? "" : " node='" + std::string(node) + "'") + "/></iq>";
}

class DiscoTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0030_disco,
               &xep_0092_version, &kNode},
              GetParam()};
  TestClient& romeo = world.login_available("romeo@localhost/orchard");
  TestClient& juliet = world.login_available("juliet@localhost/balcony");
  void subscribe() {
    romeo.send("<presence type='subscribe' to='juliet@localhost'/>");
    juliet.send("<presence type='subscribed' to='romeo@localhost'/>");
    romeo.clear();
    juliet.clear();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, DiscoTest, ::testing::Values(1, 2));

TEST_P(DiscoTest, TheServer) {
  romeo.send(ask("info", " to='localhost'"));
  expect_received(romeo, {"<iq type='result' id='d' from='localhost' to='romeo@localhost/orchard'>"
                          "<query xmlns='http://jabber.org/protocol/disco#info'>"
                          "<identity category='server' type='im' name='Balcony' xml:lang='en'/>"
                          "<feature var='http://jabber.org/protocol/disco#info'/>"
                          "<feature var='http://jabber.org/protocol/disco#items'/>"
                          "<feature var='jabber:iq:version'/></query></iq>"});
  romeo.send(ask("items", " to='localhost'"));
  expect_received(romeo, {"<iq type='result' id='d' from='localhost' to='romeo@localhost/orchard'>"
                          "<query xmlns='http://jabber.org/protocol/disco#items'>"
                          "<item jid='rooms.localhost'/></query></iq>"});
}

TEST_P(DiscoTest, NodesAreTheirModules) {
  romeo.send(ask("info", " to='localhost'", "music"));
  expect_received(romeo, {"<iq type='result' id='d' from='localhost' to='romeo@localhost/orchard'>"
                          "<query xmlns='http://jabber.org/protocol/disco#info' node='music'>"
                          "<identity category='pubsub' type='leaf'/></query></iq>"});
  romeo.send(ask("items", "", "music"));
  EXPECT_EQ(romeo.received_element().attr("type"), "result");
  for (const char* what : {"info", "items"}) {
    for (const char* to : {"", " to='localhost'"}) {
      romeo.send(ask(what, to, "nothing"));
      EXPECT_EQ(received_error(romeo), "item-not-found") << what << to;
    }
  }
}

// §8: without a subscription one learns neither resources nor whether the account is there.
TEST_P(DiscoTest, AnAccountIsNotSeenByStrangers) {
  for (const char* what : {"info", "items"}) {
    for (const char* node : {"", "music"}) {
      romeo.send(ask(what, " to='juliet@localhost'", node));
      std::string there = romeo.received();
      EXPECT_NE(there.find("<service-unavailable"), std::string::npos) << there;
      romeo.send(ask(what, " to='tybalt@localhost'", node));
      there.replace(there.find("juliet"), 6, "tybalt");
      EXPECT_EQ(romeo.received(), there);
    }
  }
}

TEST_P(DiscoTest, AnAccountIsSeenBySubscribersAndItself) {
  subscribe();
  juliet.send(ask("info", ""));
  const std::string_view account = "<identity category='account' type='registered'/>";
  const auto info = [&](std::string_view addresses) {
    return "<iq type='result' id='d' " + std::string(addresses) +
           "><query xmlns='http://jabber.org/protocol/disco#info'>" + std::string(account) +
           "<feature var='http://jabber.org/protocol/disco#info'/>"
           "<feature var='http://jabber.org/protocol/disco#items'/></query></iq>";
  };
  expect_received(juliet, {info("to='juliet@localhost/balcony'")});
  romeo.send(ask("info", " to='juliet@localhost'"));
  expect_received(romeo, {info("from='juliet@localhost' to='romeo@localhost/orchard'")});
  world.login("juliet@localhost/hidden");  // a session without presence
  romeo.send(ask("items", " to='juliet@localhost'"));
  expect_received(romeo, {"<iq type='result' id='d' from='juliet@localhost'"
                          " to='romeo@localhost/orchard'>"
                          "<query xmlns='http://jabber.org/protocol/disco#items'>"
                          "<item jid='juliet@localhost/balcony'/></query></iq>"});
  // Not the other way round.
  juliet.send(ask("items", " to='romeo@localhost'"));
  EXPECT_EQ(received_error(juliet), "service-unavailable");
}

}  // namespace
}  // namespace balcony::modules
