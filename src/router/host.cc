#include "router/host.h"

#include "base/log.h"
#include "router/router.h"

#include <algorithm>

namespace balcony::router {
namespace {

// Collects what modules declare into a generation.
class Declarations final : public Registrar {
 public:
  explicit Declarations(HostGeneration& generation) : generation_(generation) {}

  void feature(std::string_view ns) override { generation_.server_features.emplace_back(ns); }
  void account_feature(std::string_view ns) override {
    generation_.account_features.emplace_back(ns);
  }
  void on_load_user(UserLoader loader) override {
    generation_.loaders.push_back(std::move(loader));
  }
  void iq_stranger(QName name, IqTaskHandler handler) override {
    for (const bool is_set : {false, true}) {
      generation_.strangers.add(is_set, name, {Target::kServer, Access::kAnyone, handler});
    }
  }

 protected:
  void iq(bool is_set, QName name, IqTable::Entry entry) override {
    generation_.iqs.add(is_set, name, std::move(entry));
  }
  EventTable& events() override { return generation_.events; }

 private:
  HostGeneration& generation_;
};

void sort_unique(std::vector<std::string>& features) {
  std::ranges::sort(features);
  features.erase(std::ranges::unique(features).begin(), features.end());
}

// Keeps `user` until `task` has ended.
Task<> keep_user(std::shared_ptr<User> user, Task<> task) {
  co_await std::move(task);
  user.reset();
}

}  // namespace

Host::Host(Router& router, Jid domain)
    : router_(router),
      domain_(std::move(domain)),
      generation_(std::make_shared<HostGeneration>()) {}

void Host::set_up(const HostSetup& setup) {
  auto generation = std::make_shared<HostGeneration>();
  Declarations on(*generation);
  for (const HostSetup::Module& module : setup.modules) {
    generation->options.push_back(module.options);
    module.spec->attach(on, *this, module.options);
  }
  sort_unique(generation->server_features);
  sort_unique(generation->account_features);
  // A handler that runs or waits keeps the old generation for itself; freeing it under a caller's
  // feet (a reload that a module's handler asked for) is left to the end of the turn.
  router_.deps().loop.post([old = std::exchange(generation_, std::move(generation))] {});
}

storage::Store& Host::store() {
  return router_.deps().store;
}
Loop& Host::loop() {
  return router_.deps().loop;
}
Random& Host::random() {
  return router_.deps().random;
}
Accounts& Host::accounts() {
  return router_.deps().accounts;
}
Instant Host::started() const {
  return router_.deps().started;
}

void Host::route(Stanza stanza) {
  router_.route(std::move(stanza));
}

void Host::bounce(const Stanza& stanza, const Error& error) {
  router_.bounce(stanza, error);
}

storage::Ticket Host::commit(User& user, storage::Batch batch) {
  const storage::Ticket ticket = store().commit(std::move(batch));
  store().when(ticket, [this, bare = user.bare](Result<> outcome) {
    if (outcome) return;
    log_error("commit failed", {{"jid", bare.str()}, {"error", outcome.error().to_string()}});
    // decision 0006: what is cached is ahead of what is stored; storage is right.
    if (const auto loaded = router_.users().loaded(bare.str())) router_.users().reload(*loaded);
  });
  return ticket;
}

void Host::after_commit(storage::Ticket ticket, std::function<void()> then) {
  store().when(ticket, [then = std::move(then)](const Result<>& outcome) {
    if (outcome) then();
  });
}

void Host::spawn(std::shared_ptr<User> user, Task<> task) {
  router_.spawn(keep_user(std::move(user), std::move(task)));
}

std::shared_ptr<User> Host::loaded_user(const Jid& bare) {
  return router_.users().loaded(bare.bare_str());
}

void Host::with_user(const Jid& bare, std::function<void(std::shared_ptr<User>)> then) {
  router_.at_home(bare, [bare, then = std::move(then)](Router& home) {
    home.users().with(bare,
                      [then](UserTable::Loaded user) { then(user ? *std::move(user) : nullptr); });
  });
}

void Host::at_homes(const std::vector<Jid>& bares, std::function<void(Server&, const Jid&)> f) {
  std::vector<Jid> ours;
  for (const Jid& bare : bares) {
    if (is_local(bare.domain()) && bare.has_local()) ours.push_back(bare);
  }
  router_.at_homes(ours, [f = std::move(f)](Router& home, const Jid& bare) {
    if (Host* host = home.host(bare.domain())) f(*host, bare);
  });
}

bool Host::is_home(const Jid& bare) const {
  return router_.is_home(bare);
}

bool Host::is_local(std::string_view domain) const {
  return router_.host(domain) != nullptr;
}

bool Host::is_offline_here(const Jid& jid) const {
  return is_local(jid.domain()) && jid.has_local() && router_.is_home(jid) &&
         router_.users().is_offline(jid.bare_str());
}

std::vector<std::string> Host::components() const {
  std::vector<std::string> all = router_.components().listed();
  std::erase_if(all, [this](const std::string& domain) {
    const std::string_view above =
        host_above(domain, [this](std::string_view name) { return router_.host(name) != nullptr; });
    return !above.empty() && above != domain_.domain();
  });
  return all;
}

const TrustTable::Components& Host::trusted() const {
  return router_.trust().at(domain_.domain());
}

void Host::feed_presence(const Jid& component, Stanza presence) {
  router_.feed_presence(component, std::move(presence));
}

std::vector<NestedDisco::Found> Host::nested_disco(bool account) const {
  return router_.nested_disco().find(router_.trust(), domain_.domain(), account);
}

void Host::ask(Stanza request, std::string_view domain, std::chrono::milliseconds within,
               std::function<void(Result<Stanza>)> then) {
  // The host may be gone when the answer comes, and so may be all that `then` knows.
  auto guarded = [&router = router_, name = domain_.str(), then](Result<Stanza> answer) {
    if (router.host(name)) then(std::move(answer));
  };
  const auto expected = router_.asked().expect(request, domain, within, std::move(guarded));
  if (!expected) return then(fail(expected.error()));
  router_.route(std::move(request));
}

void Host::at_user(const Jid& bare, std::function<void(Server&, std::shared_ptr<User>)> then) {
  router_.at_home(bare, [bare, then = std::move(then)](Router& home) {
    home.users().with(bare, [&home, bare, then](UserTable::Loaded user) {
      if (Host* host = home.host(bare.domain())) then(*host, user ? *std::move(user) : nullptr);
    });
  });
}

const RouterOptions& Host::limits() const {
  return router_.options();
}

}  // namespace balcony::router
