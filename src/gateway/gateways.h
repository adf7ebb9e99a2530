// All gateways of this tree. Each is one folder src/gateway/NAME/ with a file NAME_gateway.cc that
// defines a GatewaySpec of that name; the build makes the declarations and the table from the
// names.
//
// A gateway's file includes this header, so that its GatewaySpec can be seen from outside.
#pragma once

#include "gateway/spec.h"
#include <gateway/gateway_list.h>  // made by the build

#include <string_view>
#include <vector>

namespace balcony::gateway {

// In order of their names. From any thread, after main() has begun.
const std::vector<const GatewaySpec*>& all_gateways();

// The gateway of that name, or null.
const GatewaySpec* find_gateway(std::string_view name);

}  // namespace balcony::gateway
