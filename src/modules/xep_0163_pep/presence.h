// Learns from presence what clients want to hear of (XEP-0163 §4.2): from that of sessions here,
// and from what contacts on other servers send to accounts that have nodes. The home shard of who
// sends or gets it.
#pragma once

#include "router/module.h"

namespace balcony::modules::pep {

// Registers for the events.
void watch_presence(router::Registrar& on, router::Server& server);

}  // namespace balcony::modules::pep
