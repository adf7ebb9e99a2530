// Reading [gateway.mail] and its kin: gateways that run inside of the server's process. For
// config_reader.cc only.
//
// The server does not know them: the program hands in what kinds there are, each with its options,
// and starts what is configured (docs/gateways.md).
#pragma once

#include "server/config.h"
#include "server/config_tree.h"

namespace balcony::server {

// Reads all gateways. `kinds` null: the section is somebody else's and not looked at. After the
// hosts and the components: a gateway's domain is none of theirs.
void read_gateways(const ConfigNode& tree, const GatewayKinds* kinds, Config& config,
                   ConfigProblems& problems);

}  // namespace balcony::server
