// The page for collectors of metrics and for health checks: GET /metrics and GET /healthz.
//
// balconyd has one. open() and the destructor on a thread that is no shard; the Server outlives it
// and stops after it.
#pragma once

#include "net/http_server.h"
#include "server/server.h"

#include <memory>

namespace balcony::server {

class MetricsPage {
 public:
  // As [metrics] says. Null when it is off, or cannot listen: a warning says so, as a server
  // without this page serves its clients all the same.
  static std::unique_ptr<MetricsPage> open(Server& server, const MetricsConfig& config);

  const MetricsConfig& config() const { return config_; }

 private:
  MetricsPage(std::unique_ptr<HttpServer> http, MetricsConfig config)
      : http_(std::move(http)), config_(std::move(config)) {}

  std::unique_ptr<HttpServer> http_;
  MetricsConfig config_;
};

}  // namespace balcony::server
