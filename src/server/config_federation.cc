#include "server/config_federation.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/number.h"
#include "server/config_section.h"
#include "server/config_tables.h"

#include <balcony/jid.h>

#include <algorithm>

namespace balcony::server {
namespace {

constexpr std::size_t kSecretBytesMin = 16;
constexpr std::size_t kSha256Bytes = 32;

const ConfigPlace& place_of(const ConfigNode::Entry& table, std::string_view key) {
  const ConfigNode::Entry* entry = table.node.find(key);
  return entry ? entry->node.place : table.place;
}

// Pins as they are compared: lower case, without colons.
bool normalize(std::string& pin) {
  std::erase(pin, ':');
  pin = ascii_lower(pin);
  const auto bytes = hex_decode(pin);
  return bytes && bytes->size() == kSha256Bytes;
}

void check_pins(const ConfigNode::Entry& entry, const std::string& path, RemoteDomainConfig& remote,
                ConfigProblems& problems) {
  if (!std::ranges::all_of(remote.pins, normalize)) {
    problems.add(place_of(entry, "pins"),
                 path + "pins must be fingerprints: 64 hexadecimal digits of SHA-256");
  }
  if ((remote.certificate == "pinned") == remote.pins.empty()) {
    problems.add(entry.place, path + "certificate = \"pinned\" and pins come together");
  }
}

void read_domain(const ConfigNode::Entry& entry, Config& config, ConfigProblems& problems) {
  const std::string path = "s2s.domain.\"" + entry.name + "\".";
  const std::string title = "[s2s.domain.\"" + entry.name + "\"]";
  const auto domain = Jid::make("", entry.name);
  if (!domain) {
    problems.add(entry.place, title + " names no domain: " + domain.error().detail);
    return;
  }
  RemoteDomainConfig remote;
  remote.domain = domain->domain();
  const bool is_ours =
      std::ranges::find(config.hosts, remote.domain, &HostConfig::domain) != config.hosts.end() ||
      std::ranges::find(config.components, remote.domain, &ComponentConfig::domain) !=
          config.components.end();
  if (is_ours) {
    problems.add(entry.place, title + " is a domain of this server");
    return;
  }
  auto& all = config.s2s.domains;
  if (std::ranges::find(all, remote.domain, &RemoteDomainConfig::domain) != all.end()) {
    problems.add(entry.place, title + " is the same as another one, \"" + remote.domain + '"');
    return;
  }
  read_section(entry.node, remote_domain_options(), &remote, title, path, {}, problems);
  if (entry.node.table()) check_pins(entry, path, remote, problems);
  if (!remote.connect.empty() && !split_host_port(remote.connect)) {
    problems.add(place_of(entry, "connect"),
                 path + "connect must be an address or a name, and a port: \"192.0.2.1:5269\"");
  }
  if (!remote.posh_connect.empty() && !split_host_port(remote.posh_connect)) {
    problems.add(place_of(entry, "posh_connect"),
                 path + "posh_connect must be an address or a name, and a port: \"192.0.2.1:443\"");
  }
  all.push_back(std::move(remote));
}

void check_s2s(const ConfigNode::Entry& section, S2sConfig& s2s, ConfigProblems& problems) {
  for (std::string& domain : s2s.allow_only) {
    if (const auto jid = Jid::make("", domain)) {
      domain = jid->domain();
    } else {
      problems.add(place_of(section, "allow_only"),
                   "s2s.allow_only names \"" + domain + "\", which is no domain");
    }
  }
  if (!s2s.dialback_secret.empty() && s2s.dialback_secret.size() < kSecretBytesMin) {
    problems.add(place_of(section, "dialback_secret"),
                 "s2s.dialback_secret must have 16 characters or more");
  }
}

}  // namespace

std::optional<std::pair<std::string, std::uint16_t>> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = read_number<std::uint16_t>(text.substr(colon + 1));
  if (port.value_or(0) == 0) return std::nullopt;
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  if (host.empty() || has_colon != is_bracketed) return std::nullopt;
  return std::pair{std::string(host), *port};
}

void read_federation(const ConfigNode& tree, Config& config, ConfigProblems& problems) {
  const ConfigNode::Entry* section = tree.find("s2s");
  if (!section) return;
  check_s2s(*section, config.s2s, problems);
  const ConfigNode::Entry* domains = section->node.find("domain");
  if (!domains) return;
  if (!domains->node.table()) {
    problems.add(domains->node.place, "s2s.domain must be tables: [s2s.domain.\"example.net\"]");
    return;
  }
  for (const ConfigNode::Entry& entry : *domains->node.table()) {
    read_domain(entry, config, problems);
  }
}

}  // namespace balcony::server
