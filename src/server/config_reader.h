// Reads the configuration: TOML, the environment and flags become a Config, or a list of
// everything that is wrong with them.
//
// Used by the programs and by reloads. Blocks on the file; any thread.
#pragma once

#include "router/module.h"
#include "server/config.h"
#include "server/config_overrides.h"

#include <balcony/result.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::server {

using ModuleList = std::vector<const router::ModuleSpec*>;

// Where the configuration lies when nobody says otherwise.
inline constexpr std::string_view kDefaultConfigFile = "/etc/balcony/balcony.toml";

// The file to read: `named`, else BALCONY_CONFIG, else kDefaultConfigFile if it exists, else none.
std::string config_file(const std::string& named);

// Reads `text`; `file` is its name for messages and Config::file. `modules`: those whose sections
// may stand in it. Without [[listen]] the ports are 5222, 5223, 5269 and 5270 on all addresses;
// without [hosts] the only host is localhost. `gateways`: those whose sections may stand in it;
// null: such sections are another program's and not looked at.
//
// Errors: kConfig; one line a problem, "file:line:column: sentence", all of them at once.
Result<std::shared_ptr<const Config>> read_config(std::string_view text, std::string_view file,
                                                  const std::vector<ConfigOverride>& overrides,
                                                  const ModuleList& modules,
                                                  const GatewayKinds* gateways = nullptr);

// The same from a file; an empty name: the defaults with what the overrides say.
// Errors: kNotFound, kIo with the file's name; as above.
Result<std::shared_ptr<const Config>> load_config(const std::string& file,
                                                  const std::vector<ConfigOverride>& overrides,
                                                  const ModuleList& modules,
                                                  const GatewayKinds* gateways = nullptr);

// Where the control socket of a server with this configuration is, also when much of it is wrong:
// to reach a server that still runs with an older one. Errors: kNotFound, kIo with the file's name.
Result<std::string> find_control_path(const std::string& file,
                                      const std::vector<ConfigOverride>& overrides);

}  // namespace balcony::server
