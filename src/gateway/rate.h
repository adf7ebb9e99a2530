// Rate: a token bucket for each of many names (users), bounded in how many it remembers.
//
// A value of one thread.
#pragma once

#include "base/clock.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace balcony::gateway {

class Rate {
 public:
  // `per_minute` tokens come to each bucket, which holds at most `at_once`.
  Rate(double per_minute, double at_once) : per_minute_(per_minute), at_once_(at_once) {}

  // Takes a token of `name`. False: there is none.
  bool take(std::string_view name, Instant now);
  std::size_t size() const noexcept { return buckets_.size(); }

  static constexpr std::size_t kNamesMax = 10'000;

 private:
  struct Bucket {
    double tokens;
    Instant at;
  };
  double filled(const Bucket& bucket, Instant now) const;
  void forget_full(Instant now);

  double per_minute_;
  double at_once_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace balcony::gateway
