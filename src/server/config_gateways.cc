#include "server/config_gateways.h"

#include "base/assert.h"
#include "server/config_section.h"

#include <balcony/jid.h>

#include <algorithm>

namespace balcony::server {
namespace {

// The text of an option that every kind of gateway has.
std::string domain_option(const OptionTable& table, const void* options) {
  const OptionSpec* spec = table.find("domain");
  BALCONY_ASSERT(spec != nullptr, "every gateway has a domain");
  return std::get<std::string>(spec->get(options));
}

// What is wrong with this domain for a gateway, or nothing.
std::string problem_of(const std::string& domain, const Config& config) {
  const auto taken = [&domain](const auto& other) { return other.domain == domain; };
  if (std::ranges::any_of(config.hosts, taken)) {
    return "is a host of this server; a gateway has a domain of its own, such as \"mail." + domain +
           '"';
  }
  if (std::ranges::any_of(config.components, taken)) return "is a component already";
  if (std::ranges::any_of(config.gateways, taken)) return "is another gateway's already";
  return {};
}

void read_gateway(const ConfigNode::Entry& entry, const GatewayKind& kind, Config& config,
                  ConfigProblems& problems) {
  const std::string title = "[gateway." + kind.name + "]";
  const std::string path = "gateway." + kind.name + '.';
  std::shared_ptr<void> options = kind.options->make();
  read_section(entry.node, *kind.options, options.get(), title, path, {}, problems);
  if (!entry.node.table()) return;
  const ConfigNode::Entry* named = entry.node.find("domain");
  const ConfigPlace& place = named ? named->node.place : entry.place;
  const auto domain = Jid::make("", domain_option(*kind.options, options.get()));
  if (!domain) {
    problems.add(place, path + "domain must name the gateway's domain, such as \"" + kind.name +
                            ".example.org\"");
    return;
  }
  GatewayConfig gateway{kind.name, std::string(domain->domain()), std::move(options)};
  if (const std::string problem = problem_of(gateway.domain, config); !problem.empty()) {
    problems.add(place, path + "domain \"" + gateway.domain + "\" " + problem);
    return;
  }
  if (kind.check) {
    const auto checked = kind.check(gateway.options.get());
    if (!checked) return problems.add(entry.place, path + checked.error().detail);
  }
  config.gateways.push_back(std::move(gateway));
}

}  // namespace

void read_gateways(const ConfigNode& tree, const GatewayKinds* kinds, Config& config,
                   ConfigProblems& problems) {
  const ConfigNode::Entry* gateways = tree.find("gateway");
  if (!gateways || !kinds) return;
  if (!gateways->node.table()) {
    problems.add(gateways->node.place, "gateway must be tables: [gateway.mail]");
    return;
  }
  std::vector<std::string> names;
  for (const GatewayKind& kind : *kinds) names.push_back(kind.name);
  for (const ConfigNode::Entry& entry : *gateways->node.table()) {
    const auto kind = std::ranges::find(*kinds, entry.name, &GatewayKind::name);
    if (kind == kinds->end()) {
      problems.add(entry.place, "there is no gateway \"" + entry.name.substr(0, 40) + '"' +
                                    did_you_mean(entry.name, names));
      continue;
    }
    read_gateway(entry, *kind, config, problems);
  }
}

}  // namespace balcony::server
