// What the tests of XEP-0160 share: romeo, who writes, and juliet, who comes and goes.
#pragma once

#include "modules/modules.h"
#include "modules/testing/dialogue.h"
#include "router/delivery.h"
#include "stanza/delay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace balcony::modules::testing {

// A stream that nobody reads.
class Void final : public router::Endpoint {
  void deliver(const Stanza&, std::string_view) override {}
  void deliver(xml::ElementView) override {}
  void close(const StreamError&) override {}
  Info info() const override { return {}; }
};

// The receipt of a message, for the ledger of its sender.
class Promise final : public Receipt {
 public:
  explicit Promise(bool& settled) : settled_(settled) {}
  ~Promise() override { settled_ = true; }

 private:
  bool& settled_;
};

class OfflineWorld : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0160_offline},
              GetParam()};
  TestClient& romeo = world.login("romeo@localhost/orchard");

  void SetUp() override { world.account("juliet@localhost"); }

  void say(std::string_view content, std::string_view type = "chat",
           std::string_view to = "juliet@localhost") {
    romeo.send("<message to='" + std::string(to) + "' type='" + std::string(type) + "'>" +
               std::string(content) + "</message>");
  }
  void say_numbers(int from, int to) {
    for (int i = from; i <= to; ++i) say("<body>" + std::to_string(i) + "</body>");
  }
  static std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i <= to; ++i) all.push_back(std::to_string(i));
    return all;
  }
  // The bodies that a client has received, in their order.
  static std::vector<std::string> bodies(TestClient& client) {
    std::vector<std::string> all;
    while (client.waiting() > 0) {
      const xml::Element stanza = client.received_element();
      if (stanza.name() == "message") all.push_back(stanza.view().child_text(ns::kClient, "body"));
    }
    return all;
  }
  // A login with initial presence of this priority; what comes of it is kept.
  TestClient& come(std::string_view jid, int priority = 0) {
    TestClient& client = world.login(jid);
    client.send(presence(priority));
    return client;
  }
  // The same for one that acknowledges when it is told to.
  TestClient& managed(std::string_view jid) {
    TestClient& client = world.login(jid);
    client.manage();
    client.send("<presence/>");
    return client;
  }
  // What a stream holds for a message from Romeo that its client did not acknowledge in time.
  // `promise`: its receipt until then.
  ReceiptPtr spooled(std::string_view content, ReceiptPtr promise) {
    xml::Element element =
        stanza_tree("<message from='romeo@localhost/orchard' type='chat' to='juliet@localhost'>" +
                    std::string(content) + "</message>");
    auto stanza = Stanza::make(element);
    EXPECT_TRUE(stanza);
    stanza->set_receipt(std::move(promise));
    const auto user = home().users().loaded("juliet@localhost");
    auto receipt = router::keep_unacknowledged(*user, *stanza, world.wall());
    EXPECT_TRUE(receipt);
    return receipt ? *receipt : nullptr;
  }
  static std::string presence(int priority) {
    return "<presence><priority>" + std::to_string(priority) + "</priority></presence>";
  }
  std::uint64_t stored() {
    std::uint64_t rows = 0;
    spawn([](World& at, std::uint64_t& to) -> Task<> {
      storage::ArchiveQuery all;
      auto count = co_await at.store().count(std::string("juliet@localhost"),
                                             std::string("offline"), std::move(all));
      EXPECT_TRUE(count);
      if (count) to = *count;
    }(world, rows));
    world.run();
    return rows;
  }
  router::Router& home() { return world.router_of("juliet@localhost"); }
  // As TestClient::send() and disconnect(), without running the loops to their end: for the middle.
  void send_now(TestClient& client, std::string_view text) {
    xml::Element element = stanza_tree(text);
    auto stanza = Stanza::make(element);
    ASSERT_TRUE(stanza);
    EXPECT_FALSE(home().receive(client.resource(), *std::move(stanza)));
  }
  void end_now(TestClient& client) {
    home().end_session(client.resource(), {StreamCondition::kConnectionTimeout, ""});
  }
  // Does `then` in the middle of the work, as soon as `client` has received a page.
  void in_the_middle(TestClient& client, std::function<void()> then) {
    Loop& loop = home().deps().loop;
    auto look = std::make_shared<std::function<void(int)>>();
    *look = [&loop, &client, then = std::move(then), look](int turns) {
      const std::shared_ptr<std::function<void(int)>> kept = look;
      const bool done = client.waiting() >= 50;
      if (!done && turns > 0) return loop.post([kept, turns] { (*kept)(turns - 1); });
      EXPECT_TRUE(done);
      if (done) then();
      *kept = nullptr;
    };
    loop.post([look] { (*look)(10'000); });
  }
};

}  // namespace balcony::modules::testing
