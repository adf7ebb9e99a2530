#include "server/config_components.h"

#include "server/config_privileges.h"
#include "server/config_section.h"
#include "server/config_tables.h"

#include <balcony/jid.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace balcony::server {
namespace {

constexpr std::size_t kSecretBytesMax = 1'024;

// The first line of a file.
Result<std::string> read_secret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::kIo, "cannot read " + path + ": " + std::strerror(errno));
  std::string text(kSecretBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(Errc::kIo, "cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

void check_secret(const ConfigNode::Entry& entry, const std::string& path,
                  ComponentConfig& component, ConfigProblems& problems) {
  const ConfigNode::Entry* secret = entry.node.find("secret");
  const ConfigNode::Entry* file = entry.node.find("secret_file");
  if (secret && file) {
    problems.add(file->place, path + "secret_file and secret are two places for one thing");
    return;
  }
  if (!component.secret_file.empty()) {
    auto read = read_secret(component.secret_file);
    if (!read) return problems.add(file->node.place, path + "secret_file: " + read.error().detail);
    component.secret = *std::move(read);
  }
  const ConfigPlace& place = secret ? secret->node.place : file ? file->node.place : entry.place;
  if (component.secret.empty()) {
    problems.add(
        place, path + "secret is missing; `balconyctl component add " + entry.name + "` makes one");
  } else if (component.secret.size() > kSecretBytesMax) {
    problems.add(place, path + "secret is longer than 1024 bytes");
  }
}

void read_component(const ConfigNode::Entry& entry, Config& config, ConfigProblems& problems) {
  const std::string path = "component.\"" + entry.name + "\".";
  const std::string title = "[component.\"" + entry.name + "\"]";
  const auto domain = Jid::make("", entry.name);
  if (!domain) {
    problems.add(entry.place, title + " names no domain: " + domain.error().detail);
    return;
  }
  ComponentConfig component;
  component.domain = domain->domain();
  if (std::ranges::find(config.hosts, component.domain, &HostConfig::domain) !=
      config.hosts.end()) {
    problems.add(entry.place, title +
                                  " is a host of this server; a component has a domain of its "
                                  "own, such as \"irc." +
                                  component.domain + '"');
    return;
  }
  if (std::ranges::find(config.components, component.domain, &ComponentConfig::domain) !=
      config.components.end()) {
    problems.add(entry.place, title + " is the same as another one, \"" + component.domain + '"');
    return;
  }
  read_section(entry.node, component_options(), &component, title, path, privilege_keys(),
               problems);
  if (entry.node.table()) {
    check_secret(entry, path, component, problems);
    read_privileges(entry.node, path, component, problems);
  }
  config.components.push_back(std::move(component));
}

}  // namespace

void read_components(const ConfigNode& tree, Config& config, ConfigProblems& problems) {
  const ConfigNode::Entry* components = tree.find("component");
  if (!components) return;
  if (!components->node.table()) {
    problems.add(components->node.place,
                 "component must be tables: [component.\"irc.example.org\"]");
    return;
  }
  for (const ConfigNode::Entry& entry : *components->node.table()) {
    read_component(entry, config, problems);
  }
  check_delegations(components->node, config, problems);
  const auto is_for_components = [](const ListenConfig& l) { return l.kind == kComponentListener; };
  if (config.components.empty() || std::ranges::any_of(config.listen, is_for_components)) return;
  config.listen.push_back(component_listener());
}

}  // namespace balcony::server
