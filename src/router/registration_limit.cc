#include "router/registration_limit.h"

namespace balcony::router {

bool RegistrationLimit::admit(std::string_view address, std::int64_t per_hour, Instant now) {
  forget_old(now);
  auto found = by_address_.find(address);
  if (found == by_address_.end()) {
    entries_.push_front({std::string(address), 0, now});
    found = by_address_.emplace(entries_.front().address, entries_.begin()).first;
    if (entries_.size() > addresses_max_) {
      by_address_.erase(entries_.back().address);
      entries_.pop_back();
    }
  }
  Entry& entry = *found->second;
  if (entry.attempts >= per_hour) return false;
  ++entry.attempts;
  return true;
}

void RegistrationLimit::forget_old(Instant now) {
  while (!entries_.empty() && now - entries_.back().since >= std::chrono::hours(1)) {
    by_address_.erase(entries_.back().address);
    entries_.pop_back();
  }
}

}  // namespace balcony::router
