#include "server/shard_context.h"

#include "base/random.h"
#include "server/accounts.h"
#include "server/client_policy.h"
#include "server/component_session.h"
#include "server/detached_session.h"
#include "server/login_tokens.h"
#include "server/s2s/federation.h"

#include <utility>

namespace balcony::server {
namespace {

// Other shards, as the router sees them.
class Link final : public router::ShardLink {
 public:
  explicit Link(SharedContext& shared) : shared_(shared) {}
  std::size_t count() const override { return shared_.contexts.size(); }
  void post(std::size_t shard, std::move_only_function<void(router::Router&)> job) override {
    ShardContext& there = *shared_.contexts[shard];
    there.shard.post([&there, job = std::move(job)]() mutable { job(*there.router); });
  }

 private:
  SharedContext& shared_;
};

}  // namespace

ShardContext::ShardContext(SharedContext& shared_, Shard& shard_)
    : shared(shared_), shard(shard_) {}

ShardContext::~ShardContext() {
  // Saved, and kept until now for whoever still had something for them.
  const auto left = std::exchange(detached, {});
  for (DetachedSession* session : left) delete session;
}

void ShardContext::set_up(std::shared_ptr<const Config> given) {
  config = std::move(given);
  offers = shared.offers;
  store = shared.database->open(shard);
  accounts = std::make_unique<AccountService>(*this);
  tokens = std::make_unique<LoginTokens>(*this);
  link = std::make_unique<Link>(shared);
  policy = std::make_unique<ClientPolicy>(*this);
  const router::RouterDeps deps{shard, *store,        system_random(), *accounts,
                                *link, shard.index(), shared.started};
  router = std::make_unique<router::Router>(deps, router_options(*config));
  router->set_hosts(host_setups(*config));
  router->set_components(component_setups(*config));
  client_tls = shared.client_tls;
  federation = std::make_unique<s2s::Federation>(*this);
  federation->reconsider();
}

void ShardContext::reload(std::shared_ptr<const Config> given) {
  config = std::move(given);
  offers = shared.offers;
  router->set_options(router_options(*config));
  router->set_hosts(host_setups(*config));
  router->set_components(component_setups(*config));
  const std::vector<ComponentSession*> streams(components.begin(), components.end());
  for (ComponentSession* stream : streams) stream->reconsider();
  client_tls = shared.client_tls;
  federation->reconsider();
}

std::vector<router::ComponentSetup> component_setups(const Config& config) {
  std::vector<router::ComponentSetup> setups;
  for (const ComponentConfig& component : config.components) {
    setups.push_back(
        {component.domain, component.listed, component.privileges, component.delegations});
  }
  return setups;
}

router::RouterOptions router_options(const Config& config) {
  const LimitsConfig& limits = config.limits;
  router::RouterOptions options;
  options.resources_max = static_cast<std::size_t>(limits.sessions_per_account);
  options.roster_items_max = static_cast<std::size_t>(limits.roster_items);
  options.directed_max = static_cast<std::size_t>(limits.directed_presence);
  const S2sConfig& s2s = config.s2s;
  options.remote.stanzas_max = static_cast<std::size_t>(s2s.waiting_stanzas);
  options.remote.bytes_max = s2s.waiting_bytes.count;
  options.remote.wait_max = s2s.waiting_time;
  options.remote.routes_max = static_cast<std::size_t>(s2s.routes);
  options.remote.retry_max = s2s.retry_max;
  options.offline_users_max = static_cast<std::size_t>(limits.users_kept_loaded);
  return options;
}

}  // namespace balcony::server
