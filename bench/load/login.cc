#include "bench/load/process.h"
#include "bench/load/scenarios.h"

namespace balcony::bench {

Task<Result<Report>> login(Shard& shard, Crowd& crowd, const Options& options) {
  Report report;
  for (std::size_t round = 1; round <= options.rounds; ++round) {
    const Instant begun = shard.clock().now();
    const double cpu = cpu_seconds(options.pid);
    BALCONY_CO_CHECK(co_await crowd.log_in(0, options.sessions));
    const std::chrono::duration<double> took = shard.clock().now() - begun;
    const auto count = static_cast<double>(options.sessions);
    const std::string which = "round_" + std::to_string(round);
    report.add(which + "_per_second", count / took.count());
    report.add(which + "_cpu_ms_per_login", (cpu_seconds(options.pid) - cpu) * 1e3 / count);
    co_await crowd.log_out();
  }
  co_return report;
}

}  // namespace balcony::bench
