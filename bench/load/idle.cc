#include "bench/load/process.h"
#include "bench/load/scenarios.h"

#include <algorithm>

namespace balcony::bench {

Task<Result<Report>> idle(Shard& shard, Crowd& crowd, const Options& options) {
  // What the first sessions make the server allocate once is not theirs.
  const std::size_t first = std::min<std::size_t>(options.sessions / 10, 200);
  BALCONY_CO_CHECK(co_await crowd.log_in(0, first));
  co_await wait(shard, options.warm_up);
  const auto before = resident_kib(options.pid);
  const std::size_t count = options.sessions - first;
  BALCONY_CO_CHECK(co_await crowd.log_in(first, count));
  co_await wait(shard, options.warm_up);
  const auto after = resident_kib(options.pid);
  Report report;
  report.add("sessions", static_cast<double>(options.sessions));
  report.add("rss_before_kib", static_cast<double>(before));
  report.add("rss_after_kib", static_cast<double>(after));
  report.add("kib_per_session", static_cast<double>(after - before) / static_cast<double>(count));
  // What sessions that only stay cost.
  const double cpu = cpu_seconds(options.pid);
  co_await wait(shard, options.duration);
  report.add("idle_cpu_s", cpu_seconds(options.pid) - cpu);
  co_return report;
}

}  // namespace balcony::bench
