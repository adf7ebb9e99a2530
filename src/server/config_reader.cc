#include "server/config_reader.h"

#include "net/socket_address.h"
#include "sasl/mechanism.h"
#include "server/config_components.h"
#include "server/config_federation.h"
#include "server/config_gateways.h"
#include "server/config_hosts.h"
#include "server/config_section.h"
#include "server/config_tables.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace balcony::server {
namespace {

constexpr std::size_t kFileBytesMax = 16u << 20;

void read_listener(const ConfigNode& node, Config& config, ConfigProblems& problems) {
  ListenConfig listen;
  // Direct TLS has a port of its own, unless one is named.
  const ConfigNode::Entry* kind = node.find("kind");
  const auto* kind_text = kind ? std::get_if<std::string>(&kind->node.value) : nullptr;
  if (kind_text && *kind_text == "c2s-tls") listen.port = 5223;
  if (kind_text && *kind_text == kServerListener) listen.port = 5269;
  if (kind_text && *kind_text == kServerTlsListener) listen.port = 5270;
  if (kind_text && *kind_text == kComponentListener) listen = component_listener();
  read_section(node, listen_options(), &listen, "[[listen]]", "listen.", {}, problems);
  // Without TLS, other machines are let in only by name.
  if (listen.kind == kComponentListener && listen.address.empty()) {
    listen.address = component_listener().address;
  }
  if (!listen.address.empty() && !SocketAddress::parse(listen.address, 0)) {
    const ConfigNode::Entry* address = node.find("address");
    problems.add(address->node.place,
                 "listen.address must be an IPv4 or IPv6 address such as \"127.0.0.1\" or \"::1\"; "
                 "names are not looked up");
  }
  const auto same = [&listen](const ListenConfig& other) {
    return other.address == listen.address && other.port == listen.port && listen.port != 0;
  };
  if (std::ranges::any_of(config.listen, same)) {
    problems.add(node.place, "[[listen]] names an address and port for the second time");
  }
  config.listen.push_back(std::move(listen));
}

void read_listeners(const ConfigNode& tree, Config& config, ConfigProblems& problems) {
  const ConfigNode::Entry* entry = tree.find("listen");
  if (!entry) {
    config.listen = {{"c2s", "", 5222},
                     {"c2s-tls", "", 5223},
                     {std::string(kServerListener), "", 5269},
                     {std::string(kServerTlsListener), "", 5270}};
    return;
  }
  const ConfigNode::Array* listeners = entry->node.array();
  if (!listeners || listeners->empty()) {
    problems.add(entry->node.place, "listen must be a list of tables, each under [[listen]]");
    return;
  }
  for (const ConfigNode& node : *listeners) read_listener(node, config, problems);
}

void check_mechanisms(const ConfigNode& tree, const AuthConfig& auth, ConfigProblems& problems) {
  const ConfigNode::Entry* section = tree.find("auth");
  const ConfigNode::Entry* entry = section ? section->node.find("mechanisms") : nullptr;
  if (!entry) return;
  const AuthConfig defaults;
  for (const std::string& name : auth.mechanisms) {
    if (std::ranges::find(defaults.mechanisms, name) != defaults.mechanisms.end()) continue;
    problems.add(entry->node.place, "auth.mechanisms holds \"" + name.substr(0, 40) +
                                        "\", which is none of SCRAM-SHA-512, SCRAM-SHA-256, "
                                        "SCRAM-SHA-1, PLAIN" +
                                        did_you_mean(name, defaults.mechanisms));
  }
  if (auth.mechanisms.empty()) {
    problems.add(entry->node.place, "auth.mechanisms is empty: nobody could log in");
  }
}

void check_metrics(const ConfigNode& tree, const MetricsConfig& metrics, ConfigProblems& problems) {
  if (SocketAddress::parse(metrics.address, 0)) return;
  problems.add(tree.find("metrics")->node.place,
               "metrics.address must be an IPv4 or IPv6 address such as \"127.0.0.1\" or \"::1\"; "
               "names are not looked up");
}

void read_sections(const ConfigNode& tree, Config& config, ConfigProblems& problems) {
  std::vector<std::string> others{"listen", "hosts", "component", "gateway", "modules"};
  for (const ConfigSection& section : config_sections()) others.emplace_back(section.name);
  read_section(tree, top_options(), &config, "the configuration", "", others, problems);
  if (config.data.empty()) {
    problems.add(tree.find("data")->node.place, "data must name a folder");
  }
  for (const ConfigSection& section : config_sections()) {
    const ConfigNode::Entry* entry = tree.find(section.name);
    if (!entry) continue;
    const std::string name(section.name);
    std::vector<std::string> inner;
    if (!section.tables.empty()) inner.emplace_back(section.tables);
    read_section(entry->node, *section.table, section.in(config), "[" + name + "]", name + '.',
                 inner, problems);
  }
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    return fail(error == ENOENT ? Errc::kNotFound : Errc::kIo,
                "cannot read " + path + ": " + std::strerror(error));
  }
  std::string text;
  std::array<char, 16'384> piece;
  while (file && text.size() <= kFileBytesMax) {
    file.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return fail(Errc::kIo, "cannot read " + path);
  if (text.size() > kFileBytesMax) return fail(Errc::kConfig, path + " is longer than 16 MiB");
  return text;
}

}  // namespace

std::string config_file(const std::string& named) {
  if (!named.empty()) return named;
  if (const char* const variable = std::getenv("BALCONY_CONFIG")) return variable;
  std::error_code error;
  const std::string usual(kDefaultConfigFile);
  return std::filesystem::exists(usual, error) ? usual : "";
}

Result<std::shared_ptr<const Config>> read_config(std::string_view text, std::string_view file,
                                                  const std::vector<ConfigOverride>& overrides,
                                                  const ModuleList& modules,
                                                  const GatewayKinds* gateways) {
  BALCONY_ASSIGN(ConfigNode tree, parse_toml(text, std::string(file)));
  apply_overrides(overrides, tree);
  auto config = std::make_shared<Config>();
  config->file = file;
  ConfigProblems problems;
  read_sections(tree, *config, problems);
  check_mechanisms(tree, config->auth, problems);
  check_metrics(tree, config->metrics, problems);
  read_listeners(tree, *config, problems);
  read_hosts(tree, modules, *config, problems);
  read_components(tree, *config, problems);
  read_federation(tree, *config, problems);
  read_gateways(tree, gateways, *config, problems);
  if (problems.any()) return fail(problems.error());
  return config;
}

Result<std::shared_ptr<const Config>> load_config(const std::string& file,
                                                  const std::vector<ConfigOverride>& overrides,
                                                  const ModuleList& modules,
                                                  const GatewayKinds* gateways) {
  std::string text;
  if (!file.empty()) {
    BALCONY_ASSIGN(text, read_file(file));
  }
  return read_config(text, file, overrides, modules, gateways);
}

Result<std::string> find_control_path(const std::string& file,
                                      const std::vector<ConfigOverride>& overrides) {
  std::string text;
  if (!file.empty()) {
    BALCONY_ASSIGN(text, read_file(file));
  }
  ConfigNode nothing{{}, ConfigNode::Table{}};
  ConfigNode tree = parse_toml(text, file).value_or(nothing);
  apply_overrides(overrides, tree);
  Config config;
  ConfigProblems ignored;
  read_section(tree, top_options(), &config, "", "", {}, ignored);
  return config.control_path();
}

}  // namespace balcony::server
