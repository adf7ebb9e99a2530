#include "server/metrics_page.h"

#include "base/log.h"
#include "server/metrics.h"

namespace balcony::server {
namespace {

HttpAnswer metrics(Server& server) {
  const Statistics statistics =
      server.call<Statistics>(0, [](ShardContext& at) { return gather_statistics(at); });
  // OpenMetrics 1.0 §4.3: the media type.
  return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8",
          to_openmetrics(statistics)};
}

Task<bool> is_alive(ShardContext& /*at*/) {
  co_return true;
}

// Good when every shard answers and what is sent to be stored can be.
HttpAnswer health(Server& server) {
  HttpAnswer answer;
  answer.body = "ok\n";
  for (std::size_t i = 0; i < server.shared().contexts.size(); ++i) server.call<bool>(i, is_alive);
  if (server.shared().database->counts().disk_full) {
    answer.status = 503;
    answer.body = "the disk is full\n";
  }
  return answer;
}

HttpAnswer answer(Server& server, std::string_view path) {
  if (path == "/metrics") return metrics(server);
  if (path == "/healthz") return health(server);
  HttpAnswer nothing;
  nothing.status = 404;
  nothing.body = "There are /metrics and /healthz.\n";
  return nothing;
}

}  // namespace

std::unique_ptr<MetricsPage> MetricsPage::open(Server& server, const MetricsConfig& config) {
  if (!config.enabled) return nullptr;
  HttpOptions options;
  options.address = config.address;
  options.port = static_cast<std::uint16_t>(config.port);
  auto http =
      HttpServer::start(options, [&server](std::string_view path) { return answer(server, path); });
  if (!http) {
    log_warning("no metrics", {{"error", http.error().detail},
                               {"advice", "set metrics.port, or metrics.enabled = false"}});
    return nullptr;
  }
  log_info("metrics", {{"url", "http://" + (*http)->address() + "/metrics"}});
  return std::unique_ptr<MetricsPage>(new MetricsPage(*std::move(http), config));
}

}  // namespace balcony::server
