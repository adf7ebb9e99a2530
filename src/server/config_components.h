// Reading [component."irc.example.org"]: external components (XEP-0114). For config_reader.cc only.
#pragma once

#include "server/config.h"
#include "server/config_tree.h"

namespace balcony::server {

// Reads all components, with the files that hold their secrets; adds the listener for them where
// there is a component and no listener. After the hosts and the listeners.
void read_components(const ConfigNode& tree, Config& config, ConfigProblems& problems);

}  // namespace balcony::server
