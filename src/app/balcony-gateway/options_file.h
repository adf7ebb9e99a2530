// The options file of balcony-gateway: where the server is, and [gateway.NAME] as in the server's
// own configuration.
#pragma once

#include "server/config.h"

#include <balcony/result.h>

#include <string>
#include <vector>

namespace balcony::app {

struct GatewayFile {
  std::string server = "127.0.0.1:5347";
  std::string secret;
  std::string secret_file;
  std::string data = "/var/lib/balcony-gateway";
  std::string log_level = "info";
  std::string log_file;
  std::vector<server::GatewayConfig> gateways;
};

// Errors: kNotFound, kIo; kConfig with every problem, one a line, each with its place.
Result<GatewayFile> read_gateway_file(const std::string& path);

}  // namespace balcony::app
