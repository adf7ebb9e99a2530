#include "server/config_hosts.h"

#include "server/config_section.h"
#include "server/config_tables.h"

#include <balcony/jid.h>

#include <algorithm>

namespace balcony::server {
namespace {

using router::ModuleSpec;

constexpr std::string_view kEnabled = "enabled";
constexpr std::string_view kDefaultHost = "localhost";

std::vector<std::string> names_of(const ModuleList& modules) {
  std::vector<std::string> names;
  for (const ModuleSpec* spec : modules) names.push_back(spec->name);
  return names;
}

// A `modules` table: each entry must be a module's. `path`: "modules." or `hosts."x".modules.`
void check_names(const ConfigNode::Entry* table, const ModuleList& modules, const std::string& path,
                 ConfigProblems& problems) {
  if (!table) return;
  const std::string title = "[" + path.substr(0, path.size() - 1) + "]";
  const OptionTable none;
  read_section(table->node, none, nullptr, title, path, names_of(modules), problems);
}

// The entry of a module in a `modules` table, or null.
const ConfigNode::Entry* section_of(const ConfigNode::Entry* table, const ModuleSpec& spec) {
  return table ? table->node.find(spec.name) : nullptr;
}

// Reads one section of a module into its options and its switch.
void read_module(const ConfigNode::Entry* section, const ModuleSpec& spec, const std::string& path,
                 void* options, bool& enabled, ConfigProblems& problems) {
  if (!section) return;
  const std::string name = path + spec.name;
  read_section(section->node, spec.options, options, "[" + name + "]", name + '.',
               {std::string(kEnabled)}, problems);
  const ConfigNode::Entry* entry = section->node.find(kEnabled);
  if (!entry) return;
  if (const auto* flag = std::get_if<bool>(&entry->node.value)) {
    enabled = *flag;
  } else {
    problems.add(entry->node.place, name + ".enabled must be true or false");
  }
}

// What every host has: told once, not for each host.
void check_common(const ConfigNode::Entry* common, const ModuleList& modules,
                  ConfigProblems& problems) {
  check_names(common, modules, "modules.", problems);
  for (const ModuleSpec* spec : modules) {
    bool enabled = false;
    const auto options = spec->options.make();
    read_module(section_of(common, *spec), *spec, "modules.", options.get(), enabled, problems);
  }
}

void add_modules(const ConfigNode::Entry* common, const ConfigNode::Entry* own,
                 const ModuleList& modules, const std::string& path, HostConfig& host,
                 ConfigProblems& problems) {
  check_names(own, modules, path + "modules.", problems);
  ConfigProblems told_already;
  for (const ModuleSpec* spec : modules) {
    const auto options = spec->options.make();
    bool enabled = spec->on_by_default;
    read_module(section_of(common, *spec), *spec, "modules.", options.get(), enabled, told_already);
    read_module(section_of(own, *spec), *spec, path + "modules.", options.get(), enabled, problems);
    if (enabled) host.modules.emplace(spec->name, options);
  }
}

void check_host(const ConfigNode::Entry& entry, const HostConfig& host, const std::string& path,
                ConfigProblems& problems) {
  if (host.certificate.empty() != host.key.empty()) {
    const std::string missing = host.key.empty() ? "key" : "certificate";
    problems.add(entry.place, path + missing + " is missing: certificate and key come together");
  }
  if (host.client_ca.empty() && !host.client_crl.empty()) {
    problems.add(entry.place, path + "client_ca is missing: client_crl means nothing without it");
  }
}

void read_host(const ConfigNode::Entry& entry, const ConfigNode::Entry* common,
               const ModuleList& modules, Config& config, ConfigProblems& problems) {
  const std::string path = "hosts.\"" + entry.name + "\".";
  const std::string title = "[hosts.\"" + entry.name + "\"]";
  const auto domain = Jid::make("", entry.name);
  if (!domain) {
    problems.add(entry.place, title + " names no domain: " + domain.error().detail);
    return;
  }
  HostConfig host;
  host.domain = domain->domain();
  if (std::ranges::find(config.hosts, host.domain, &HostConfig::domain) != config.hosts.end()) {
    problems.add(entry.place, title + " is the same host as another one, \"" + host.domain + '"');
    return;
  }
  read_section(entry.node, host_options(), &host, title, path, {"modules"}, problems);
  check_host(entry, host, path, problems);
  add_modules(common, entry.node.find("modules"), modules, path, host, problems);
  config.hosts.push_back(std::move(host));
}

}  // namespace

void read_hosts(const ConfigNode& tree, const ModuleList& modules, Config& config,
                ConfigProblems& problems) {
  const ConfigNode::Entry* common = tree.find("modules");
  check_common(common, modules, problems);
  const ConfigNode::Entry* hosts = tree.find("hosts");
  if (hosts && !hosts->node.table()) {
    problems.add(hosts->node.place, "hosts must be tables: [hosts.\"example.org\"]");
    return;
  }
  if (hosts) {
    for (const ConfigNode::Entry& entry : *hosts->node.table()) {
      read_host(entry, common, modules, config, problems);
    }
    if (!hosts->node.table()->empty()) return;
  }
  HostConfig host;
  host.domain = kDefaultHost;
  add_modules(common, nullptr, modules, "", host, problems);
  config.hosts.push_back(std::move(host));
}

}  // namespace balcony::server
