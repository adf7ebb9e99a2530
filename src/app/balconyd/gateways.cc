#include "app/balconyd/gateways.h"

#include "base/log.h"
#include "base/random.h"
#include "gateway/gateways.h"

#include <algorithm>

namespace balcony::app {
namespace {

const server::ListenConfig& own_listener() {
  static const server::ListenConfig kListener{std::string(server::kComponentListener), "127.0.0.1",
                                              0};
  return kListener;
}

// Where the server's own gateways connect to: the listener that with_components() added last.
std::string own_address(const server::Server& server) {
  std::string address;
  for (const auto& listening : server.listeners()) {
    if (listening.config == own_listener()) address = listening.listener->address().to_string();
  }
  return address;
}

std::string as_text(const server::GatewayConfig& gateway) {
  std::string out;
  for (const OptionSpec& spec : gateway::find_gateway(gateway.name)->options.options) {
    out += spec.name + '=' + format_option(spec, spec.get(gateway.options.get())) + '\n';
  }
  return out;
}

}  // namespace

const server::GatewayKinds& gateway_kinds() {
  static const server::GatewayKinds kKinds = [] {
    server::GatewayKinds kinds;
    for (const gateway::GatewaySpec* spec : gateway::all_gateways()) {
      kinds.push_back({spec->name, spec->summary, &spec->options, spec->check});
    }
    return kinds;
  }();
  return kKinds;
}

Gateways::Gateways()
    : secret_(system_random().token(32)), runner_(std::make_unique<gateway::Runner>()) {}

std::shared_ptr<const server::Config> Gateways::with_components(
    std::shared_ptr<const server::Config> config) const {
  if (config->gateways.empty()) return config;
  auto full = std::make_shared<server::Config>(*config);
  for (const server::GatewayConfig& gateway : config->gateways) {
    server::ComponentConfig component;
    component.domain = gateway.domain;
    component.secret = secret_;
    full->components.push_back(std::move(component));
  }
  full->listen.push_back(own_listener());
  return full;
}

void Gateways::stop_changed(const server::Config& config) {
  std::erase_if(running_, [&](const auto& old) {
    const auto now = std::ranges::find(config.gateways, old.first, &server::GatewayConfig::name);
    if (now != config.gateways.end() && as_text(*now) == old.second) return false;
    runner_->stop(old.first);
    return true;
  });
}

Result<> Gateways::start_missing(const server::Config& config, const server::Server& server) {
  Result<> outcome;
  for (const server::GatewayConfig& one : config.gateways) {
    if (running_.contains(one.name)) continue;
    gateway::GatewaySetup setup;
    setup.spec = gateway::find_gateway(one.name);
    setup.options = one.options;
    setup.server = own_address(server);
    setup.secret = secret_;
    if (config.storage.backend != "memory") setup.data = config.data + "/gateway";
    const auto started = runner_->start(std::move(setup));
    if (started) {
      running_[one.name] = as_text(one);
    } else {
      log_error("gateway cannot start", {{"gateway", one.name}, {"error", started.error().detail}});
      if (outcome) outcome = fail(started.error().code, one.name + ": " + started.error().detail);
    }
  }
  return outcome;
}

void Gateways::stop() {
  runner_ = std::make_unique<gateway::Runner>();
  running_.clear();
}

}  // namespace balcony::app
