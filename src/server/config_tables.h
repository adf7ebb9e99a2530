// The options of every section of the configuration, as tables: names, types, ranges and one
// sentence each. From these the file is checked, and docs/configuration.md is made.
//
// Built once; only read, from any thread.
#pragma once

#include "base/options.h"
#include "server/config.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace balcony::server {

// In which the tables give their limits.
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::int64_t kMany = 1'000'000;

// Keys at the top of the file: data, control, shards. For a Config.
const OptionTable& top_options();
// [[listen]]. For a ListenConfig.
const OptionTable& listen_options();
// [hosts."example.org"]. For a HostConfig.
const OptionTable& host_options();
// [component."irc.example.org"]. For a ComponentConfig.
const OptionTable& component_options();

// [s2s.domain."example.net"]. For a RemoteDomainConfig.
const OptionTable& remote_domain_options();

// A plain section such as [limits].
struct ConfigSection {
  std::string_view name;
  std::string_view summary;
  const OptionTable* table;
  void* (*in)(Config& config);   // the struct that the table is bound to
  std::string_view tables = {};  // of the tables in it that are read elsewhere: "domain"
};
const std::vector<ConfigSection>& config_sections();

// Those of talking to other servers: [s2s] and [dns]; part of config_sections().
std::vector<ConfigSection> federation_sections();

}  // namespace balcony::server
