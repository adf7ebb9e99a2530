#include "bench/load/report.h"

#include <fmt/core.h>

#include <algorithm>

namespace balcony::bench {

std::string Report::text() const {
  std::string out;
  for (const auto& [name, value] : figures_) out += fmt::format("{:<24} {:.4g}\n", name, value);
  return out;
}

std::string Report::json() const {
  std::string out = "{";
  for (const auto& [name, value] : figures_) {
    out += fmt::format("{}\"{}\": {:.6g}", out.size() > 1 ? ", " : "", name, value);
  }
  return out + "}\n";
}

double Latencies::quantile(double share) {
  if (micros_.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(micros_.size() - 1));
  const auto at = micros_.begin() + static_cast<std::ptrdiff_t>(place);
  std::ranges::nth_element(micros_, at);
  return *at;
}

}  // namespace balcony::bench
