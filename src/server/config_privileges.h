// Reading `privilege` (XEP-0356) and `delegate` (XEP-0355) of a component. For
// config_components.cc, and for the reference page.
#pragma once

#include "base/options.h"
#include "server/config.h"
#include "server/config_tree.h"

#include <string>
#include <vector>

namespace balcony::server {

// The keys of [component."…"] that are read here.
const std::vector<std::string>& privilege_keys();

// Reads both into `component`. `path` is how messages name the component's keys.
void read_privileges(const ConfigNode& component_node, const std::string& path,
                     ComponentConfig& component, ConfigProblems& problems);

// When all components are read: no namespace may have two owners at one host.
void check_delegations(const ConfigNode& components, const Config& config,
                       ConfigProblems& problems);

// The plain keys of [component."…".privilege], and those of each entry of its `iq`: for the
// reference page.
const OptionTable& privilege_options();
const OptionTable& iq_access_options();

}  // namespace balcony::server
