#include "gateway/rate.h"

#include <algorithm>

namespace balcony::gateway {

double Rate::filled(const Bucket& bucket, Instant now) const {
  const std::chrono::duration<double, std::ratio<60>> minutes = now - bucket.at;
  return std::min(at_once_, bucket.tokens + minutes.count() * per_minute_);
}

// A bucket that is full says no more than one that is not there.
void Rate::forget_full(Instant now) {
  std::erase_if(buckets_, [&](const auto& entry) { return filled(entry.second, now) >= at_once_; });
}

bool Rate::take(std::string_view name, Instant now) {
  auto found = buckets_.find(std::string(name));
  if (found == buckets_.end()) {
    if (buckets_.size() >= kNamesMax) forget_full(now);
    // So many at the same time are more than anybody has users; nobody gets around the limit.
    if (buckets_.size() >= kNamesMax) return false;
    found = buckets_.emplace(std::string(name), Bucket{at_once_, now}).first;
  }
  Bucket& bucket = found->second;
  bucket.tokens = filled(bucket, now);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace balcony::gateway
