// A server without sockets, for tests of the router and of modules: shards on one ManualLoop each,
// storage in memory, clients that are fed XML and keep what they receive.
//
//   World world({&modules::xep_0199_ping});
//   world.account("romeo@localhost");
//   TestClient& romeo = world.login("romeo@localhost/orchard");
//   romeo.send("<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
//   EXPECT_EQ(romeo.received(), "<iq to=… type='result'/>");
#pragma once

#include "base/manual_loop.h"
#include "router/router.h"
#include "storage/storage.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace balcony::router::testing {

class World;

// One client: what it sends is parsed, what it gets is kept as XML that stands alone.
class TestClient final : public Endpoint {
 public:
  TestClient(World& world, Router& router) : world_(world), router_(router) {}

  // Sends one stanza, as a client writes it (xmlns='jabber:client' may be left out), and runs the
  // world.
  void send(std::string_view xml);
  // The oldest stanza that was received and not taken yet; empty when there is none.
  std::string received();
  xml::Element received_element();
  // All of them, joined by line feeds.
  std::string received_all();
  std::size_t waiting() const { return inbox_.size(); }
  void clear() { inbox_.clear(); }
  // Ends the session as a lost connection would.
  void disconnect();

  // From now on it acknowledges what it received as XEP-0198 does: when it is told to, in order.
  void manage() { is_managed_ = true; }
  void acknowledge(std::size_t count);
  std::size_t unacknowledged() const { return held_.size(); }
  // How many unacknowledged stanzas it takes from a hand-over in bulk.
  void set_room(std::size_t stanzas) { room_ = stanzas; }
  // What it has not acknowledged goes back, as after disconnect().
  void give_back();

  ConnectedResource& resource() { return *resource_; }
  Jid jid() const { return jid_; }
  const std::optional<StreamError>& closed() const { return closed_; }

  void deliver(const Stanza& stanza, std::string_view to) override;
  void deliver(xml::ElementView element) override { inbox_.push_back(xml::to_string(element)); }
  void close(const StreamError& error) override {
    closed_ = error;
    resource_ = nullptr;
  }
  bool has_room() const override { return held_.size() < room_; }
  Info info() const override { return {}; }

 private:
  friend class World;
  World& world_;
  Router& router_;
  ConnectedResource* resource_ = nullptr;
  Jid jid_ = *Jid::parse("nobody.invalid");
  std::deque<std::string> inbox_;
  std::optional<StreamError> closed_;
  bool is_managed_ = false;
  std::size_t room_ = 1'000'000;
  struct Held {
    std::string text;
    ReceiptPtr receipt;
  };
  std::deque<Held> held_;
};

// A storage backend that can be told to fail its commits.
class World : public ShardLink {
 public:
  // The modules of the host "localhost", with default options; `shards` routers.
  explicit World(std::vector<const ModuleSpec*> modules = {}, std::size_t shards = 1);
  ~World() override;

  // Another host with the same modules.
  void add_host(std::string_view domain);
  // Sets an option of a module, as a reload of the configuration does.
  void set(std::string_view module, std::string_view option, OptionValue value);
  void account(std::string_view bare);
  // An account (made when missing), a session, bound. Fails the test when it cannot be.
  TestClient& login(std::string_view full_jid);
  // The same, followed by `<presence/>`, and what that brought is dropped.
  TestClient& login_available(std::string_view full_jid);

  // Runs all loops until nothing is left to do; `advance` also moves the clock.
  void run();
  void advance(std::chrono::milliseconds by);
  WallTime wall() const { return shards_.front()->loop.clock().wall(); }

  Router& router_of(std::string_view bare);
  Router& router(std::size_t shard) { return *shards_[shard]->router; }
  storage::Store& store(std::size_t shard = 0) { return *shards_[shard]->store; }
  // The answer to an iq of a stream that is not authenticated yet.
  xml::Element stranger(std::string_view xml, std::string_view address = "192.0.2.1",
                        std::size_t shard = 0);
  // Commits fail with this error until it is reset.
  std::optional<Error> fail_commits;
  // What accounts().create() and set_password() were given, by bare JID.
  std::map<std::string, std::string> passwords;
  // They refuse this one, as a profile does.
  static constexpr std::string_view kRefusedPassword = "refused";

  std::size_t count() const override { return shards_.size(); }
  void post(std::size_t shard, std::move_only_function<void(Router&)> job) override;

 private:
  struct Shard {
    ManualLoop loop;
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<Router> router;
  };
  class FailingStore;
  class TestAccounts;

  void set_hosts();

  SeededRandom random_{1};
  std::unique_ptr<TestAccounts> accounts_;
  std::unique_ptr<storage::Database> database_;
  std::vector<const ModuleSpec*> modules_;
  std::map<std::string, std::map<std::string, OptionValue>> options_;
  std::vector<std::string> domains_{"localhost"};
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

}  // namespace balcony::router::testing
