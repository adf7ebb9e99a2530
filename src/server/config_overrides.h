// Values of the configuration that come from the environment (BALCONY_<SECTION>_<KEY>) or the
// command line, laid over those of the file. Flags beat the environment, the environment the file.
//
// Used by config_reader.h and the programs. Plain functions; any thread.
#pragma once

#include "server/config_tree.h"

#include <balcony/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::server {

// One value as a text: a list has commas between its items.
struct ConfigOverride {
  std::string section;  // "log"; empty for a key at the top
  std::string key;      // "level"
  std::string value;
  std::string source;  // for messages: "BALCONY_LOG_LEVEL", "--log-level"
};

// Those that `environment` (as ::environ, ended by a null pointer) holds: BALCONY_DATA,
// BALCONY_LIMITS_AUTH_TIMEOUT and so on. A name under one of our sections that is none of its keys
// is kept: reading will complain. Other names are not ours.
std::vector<ConfigOverride> environment_overrides(const char* const* environment);

// Puts the values into `tree`, the later over the earlier.
void apply_overrides(const std::vector<ConfigOverride>& overrides, ConfigNode& tree);

}  // namespace balcony::server
