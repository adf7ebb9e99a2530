// Which modules each host has, as the router wants to know it.
#include "modules/modules.h"
#include "server/shard_context.h"

#include "base/assert.h"

namespace balcony::server {

std::vector<router::HostSetup> host_setups(const Config& config) {
  std::vector<router::HostSetup> setups;
  for (const HostConfig& host : config.hosts) {
    auto domain = Jid::make("", host.domain);
    BALCONY_ASSERT(domain.has_value(), "a host of the configuration has no valid domain");
    router::HostSetup setup{*std::move(domain), {}};
    // In the order of the table, so that handlers of one priority run in an order that is always
    // the same.
    for (const router::ModuleSpec* spec : modules::all_modules()) {
      const auto options = host.modules.find(spec->name);
      if (options != host.modules.end()) setup.modules.push_back({spec, options->second});
    }
    setups.push_back(std::move(setup));
  }
  return setups;
}

}  // namespace balcony::server
