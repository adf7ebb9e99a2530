// Reading [modules.NAME], [hosts."domain"] and [hosts."domain".modules.NAME]. For config_*.cc only.
#pragma once

#include "server/config_reader.h"
#include "server/config_tree.h"

namespace balcony::server {

// Fills config.hosts with the hosts of the tree, or with localhost when there are none.
void read_hosts(const ConfigNode& tree, const ModuleList& modules, Config& config,
                ConfigProblems& problems);

}  // namespace balcony::server
