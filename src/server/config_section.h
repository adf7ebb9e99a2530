// Reading one table of the configuration by its OptionTable. For config_*.cc only.
#pragma once

#include "server/config_tree.h"

#include <string>
#include <string_view>
#include <vector>

namespace balcony::server {

// Reads the entries of `node` into `options`, a struct of the table. `title` is how messages name
// the section ("[limits]", "the configuration"), `path` how they name its keys ("limits."). Entries
// named in `others` are left to the caller. Says what is wrong in `problems`.
void read_section(const ConfigNode& node, const OptionTable& table, void* options,
                  const std::string& title, const std::string& path,
                  const std::vector<std::string>& others, ConfigProblems& problems);

// The nearest name as the end of a sentence: `; did you mean "port"?`, or nothing.
std::string did_you_mean(std::string_view unknown, const std::vector<std::string>& names);

}  // namespace balcony::server
