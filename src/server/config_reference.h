// docs/configuration.md, made from the tables that the configuration is checked with.
#pragma once

#include "server/config_reader.h"

#include <string>

namespace balcony::server {

// The reference page of all options, those of `modules` and `gateways` included, as Markdown.
std::string config_reference(const ModuleList& modules, const GatewayKinds& gateways);

// "XEP-0199 2.0.1", "RFC 6121"
std::string to_string(const router::Spec& spec);

}  // namespace balcony::server
