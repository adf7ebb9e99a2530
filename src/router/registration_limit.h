// How often accounts may be made from one address (XEP-0077 §3.1.1). Bounded. Each shard has one
// for the addresses whose home it is, which outlives reloads.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace balcony::router {

class RegistrationLimit {
 public:
  // An address is forgotten an hour after its first attempt, or when `addresses_max` newer ones
  // came.
  explicit RegistrationLimit(std::size_t addresses_max = 10'000) : addresses_max_(addresses_max) {}

  // Counts an attempt of `address`. Returns whether it may go on: it had fewer than `per_hour`.
  bool admit(std::string_view address, std::int64_t per_hour, Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string address;
    std::int64_t attempts = 0;
    Instant since{};
  };
  void forget_old(Instant now);

  const std::size_t addresses_max_;
  std::list<Entry> entries_;  // the newest address first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_address_;
};

}  // namespace balcony::router
