#include "server/login_throttle.h"

#include <algorithm>

namespace balcony::server {

std::chrono::milliseconds LoginThrottle::delay(std::string_view key, Instant now) {
  forget_old(now);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  const int beyond = found->second->failures - options_.free_failures;
  if (beyond <= 0) return {};
  constexpr std::chrono::milliseconds kFirst{250};
  return std::min(options_.delay_max, kFirst * (1 << std::min(beyond - 1, 10)));
}

void LoginThrottle::failed(std::string_view key, Instant now) {
  ++counts_.failed;
  forget_old(now);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
  } else {
    entries_.push_front({std::string(key), 0, now});
    by_key_.emplace(entries_.front().key, entries_.begin());
  }
  ++entries_.front().failures;
  entries_.front().last = now;
}

void LoginThrottle::succeeded(std::string_view key) {
  ++counts_.succeeded;
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto entry = found->second;
  by_key_.erase(found);
  entries_.erase(entry);
}

void LoginThrottle::forget_old(Instant now) {
  while (!entries_.empty() && (entries_.size() > options_.entries_max ||
                               now - entries_.back().last > options_.forget_after)) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace balcony::server
