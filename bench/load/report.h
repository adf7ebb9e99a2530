// Figures with names, and how they are printed. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::bench {

class Report {
 public:
  void add(std::string_view name, double value) { figures_.emplace_back(name, value); }
  // One line each, or one JSON object.
  std::string text() const;
  std::string json() const;

 private:
  std::vector<std::pair<std::string, double>> figures_;
};

// Times between question and answer.
class Latencies {
 public:
  void add(std::chrono::nanoseconds took) {
    micros_.push_back(static_cast<std::uint32_t>(took.count() / 1000));
  }
  void clear() { micros_.clear(); }
  // In microseconds; 0 when there are none. `share`: 0.5 is the median.
  double quantile(double share);

 private:
  std::vector<std::uint32_t> micros_;
};

}  // namespace balcony::bench
