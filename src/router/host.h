// One domain of this server on one shard: its modules, attached.
#pragma once

#include "router/module.h"

#include <memory>
#include <string>
#include <vector>

namespace balcony::router {

class Router;
struct HostSetup;

// Handlers of one generation of the configuration. A suspended handler keeps its generation alive.
struct HostGeneration {
  EventTable events;
  IqTable iqs;
  IqTable strangers;  // requests before authentication
  std::vector<std::string> server_features;
  std::vector<std::string> account_features;
  std::vector<Registrar::UserLoader> loaders;
  std::vector<std::shared_ptr<const void>> options;
};

class Host final : public Server {
 public:
  Host(Router& router, Jid domain);

  // Attaches the modules anew: a new generation takes the place of the old one.
  void set_up(const HostSetup& setup);
  std::shared_ptr<const HostGeneration> generation() const { return generation_; }

  template <class Event>
  Flow fire(Event&& event) const {
    return generation_->events.fire(event);
  }

  const Jid& host() const override { return domain_; }
  storage::Store& store() override;
  Loop& loop() override;
  Random& random() override;
  Accounts& accounts() override;
  Instant started() const override;
  void route(Stanza stanza) override;
  void bounce(const Stanza& stanza, const Error& error) override;
  storage::Ticket commit(User& user, storage::Batch batch) override;
  void after_commit(storage::Ticket ticket, std::function<void()> then) override;
  void spawn(std::shared_ptr<User> user, Task<> task) override;
  std::shared_ptr<User> loaded_user(const Jid& bare) override;
  void with_user(const Jid& bare, std::function<void(std::shared_ptr<User>)> then) override;
  void at_homes(const std::vector<Jid>& bares, std::function<void(Server&, const Jid&)> f) override;
  bool is_home(const Jid& bare) const override;
  Slots& slots() override { return slots_; }
  bool is_local(std::string_view domain) const override;
  bool is_offline_here(const Jid& jid) const override;
  std::vector<std::string> components() const override;
  const TrustTable::Components& trusted() const override;
  void feed_presence(const Jid& component, Stanza presence) override;
  std::vector<NestedDisco::Found> nested_disco(bool account) const override;
  void ask(Stanza request, std::string_view domain, std::chrono::milliseconds within,
           std::function<void(Result<Stanza>)> then) override;
  void at_user(const Jid& bare, std::function<void(Server&, std::shared_ptr<User>)> then) override;
  const RouterOptions& limits() const override;
  const EventTable& events() const override { return generation_->events; }
  const std::vector<std::string>& server_features() const override {
    return generation_->server_features;
  }
  const std::vector<std::string>& account_features() const override {
    return generation_->account_features;
  }

 private:
  Router& router_;
  Jid domain_;
  Slots slots_;
  std::shared_ptr<HostGeneration> generation_;
};

}  // namespace balcony::router
