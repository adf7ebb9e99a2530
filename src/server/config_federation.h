// Reading [s2s.domain."example.net"] and what of [s2s] and [dns] is more than an option. For
// config_reader.cc only, but for split_host_port().
#pragma once

#include "server/config.h"
#include "server/config_tree.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::server {

// After the hosts and components.
void read_federation(const ConfigNode& tree, Config& config, ConfigProblems& problems);

// "192.0.2.1:5269", "[2001:db8::1]:5269", "xmpp.example.net:5269"; nullopt for anything else.
std::optional<std::pair<std::string, std::uint16_t>> split_host_port(std::string_view text);

}  // namespace balcony::server
