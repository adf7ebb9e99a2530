// A gateway that runs: the component's connection (XEP-0114), and all that is the same for every
// foreign network. Account-less: the address alone is enough.
//
// Addresses are escaped by XEP-0106: someone\40example.org@mail.example.net is someone@example.org.
// Any address of the network may be added to a roster: the subscription is granted at once, the
// address is shown as available while the gateway runs, and the gateway remembers the contact.
// Messages are checked (who may write, how often) and handed to the Network.
//
// Made, used and destroyed on the loop of its Runtime (gateway/runner.h does it).
#pragma once

#include "gateway/contacts.h"
#include "gateway/database.h"
#include "gateway/network.h"
#include "gateway/options.h"
#include "gateway/rate.h"
#include "gateway/spec.h"

#include <balcony/component.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace balcony::gateway {

struct GatewaySetup {
  const GatewaySpec* spec = nullptr;
  std::shared_ptr<const void> options;  // as spec->options reads them
  std::string server;                   // where the server takes components, "127.0.0.1:5347"
  std::string secret;
  std::string data;  // a folder; the gateway's file is NAME.sqlite in it. Empty: in memory
};

class Gateway final : public Link, public std::enable_shared_from_this<Gateway> {
 public:
  // Opens what has to be there, then connects in the background, again and again until stop().
  // Errors: kConfig, kIo: what has to be mended.
  static Result<std::shared_ptr<Gateway>> start(Runtime& runtime, GatewaySetup setup);
  // Tells contacts that the addresses are gone, and ends everything. Once.
  Task<> stop();
  ~Gateway() override = default;

  const std::string& name() const { return setup_.spec->name; }

  Loop& loop() override;
  Random& random() override;
  ShardSet* shards() override;
  Database& database() override { return *database_; }
  const std::string& domain() const override { return domain_; }
  bool serves(std::string_view domain) const override;
  bool is_connected() const override { return component_.is_connected(); }
  Result<Jid> jid_of(std::string_view address) const override;
  bool is_contact(const Jid& user, std::string_view address) override;
  bool has_contacts(const Jid& user) override;
  bool take_from_outside(const Jid& user) override;
  Task<Result<>> deliver(xml::Element message) override;
  void send(xml::Element stanza) override;

 private:
  struct Delivery {
    std::optional<Error> refused;
  };

  Gateway(Runtime& runtime, GatewaySetup setup, std::vector<std::string> served,
          std::unique_ptr<Database> database, Contacts contacts, ComponentOptions component);

  static Task<> life(std::shared_ptr<Gateway> self);
  void set_handlers();
  void connected();

  // The foreign address of a JID at our domain; empty for the domain itself.
  Result<std::string> address_of(const Jid& jid) const;

  Task<Result<>> send_and_ask(xml::Element message);

  void on_message(const Message& message);
  Result<> take_message(const Message& message);
  Result<> may_write(const Jid& user, const std::string& address);

  // gateway_presence.cc
  void on_presence(const Presence& presence);
  static Task<> announce(std::shared_ptr<Gateway> self, std::string type);

  Runtime& runtime_;
  GatewaySetup setup_;
  const GatewayOptions& options_;
  std::string domain_;
  std::vector<std::string> served_;
  std::unique_ptr<Database> database_;
  Contacts contacts_;
  Rate from_users_;
  Rate from_outside_;
  std::unordered_map<std::string, Delivery*> deliveries_;  // by the message's id
  std::unique_ptr<Network> network_;
  Component component_;
  bool stopping_ = false;
  bool alive_ = false;  // life() runs
};

}  // namespace balcony::gateway
