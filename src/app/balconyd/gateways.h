// The gateways of [gateway.NAME], inside of the server's process (docs/gateways.md).
//
// Each is a component like any other: it connects over loopback, to a listener on a port that the
// kernel chooses, with a secret that is made at the start of the process and written nowhere. So a
// gateway has no way into the server that a component has not.
//
// Used by Service, on its thread.
#pragma once

#include "gateway/runner.h"
#include "server/config.h"
#include "server/server.h"

#include <balcony/result.h>

#include <map>
#include <memory>
#include <string>

namespace balcony::app {

// What may be configured, for the reader and for the reference page.
const server::GatewayKinds& gateway_kinds();

class Gateways {
 public:
  Gateways();

  // The configuration as the server needs it: with a component for each gateway, and a listener.
  std::shared_ptr<const server::Config> with_components(
      std::shared_ptr<const server::Config> config) const;

  // Stops what is gone or has changed in this configuration, before the server takes it: so
  // contacts still hear that the addresses are gone.
  void stop_changed(const server::Config& config);
  // Starts what is missing, when the server runs with this configuration. Errors: the first gateway
  // that could not start; the others run.
  Result<> start_missing(const server::Config& config, const server::Server& server);
  // Stops all, before the server stops.
  void stop();

 private:
  const std::string secret_;
  std::unique_ptr<gateway::Runner> runner_;
  std::map<std::string, std::string> running_;  // name: its options, as text
};

}  // namespace balcony::app
