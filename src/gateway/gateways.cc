#include "gateway/gateways.h"

namespace balcony::gateway {

const GatewaySpec* find_gateway(std::string_view name) {
  for (const GatewaySpec* spec : all_gateways()) {
    if (spec->name == name) return spec;
  }
  return nullptr;
}

}  // namespace balcony::gateway
