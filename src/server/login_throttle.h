// Slows down who guesses passwords: each failure makes the next answer for the same key (an
// account, an address) later. One shard's; bounded: the oldest entries go first.
#pragma once

#include "base/clock.h"
#include "base/siphash.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace balcony::server {

class LoginThrottle {
 public:
  // After `free_failures` each further failure doubles the delay from 250 ms up to `delay_max`. A
  // key is forgotten `forget_after` its last failure, or when `entries_max` newer ones came.
  struct Options {
    int free_failures = 3;
    std::chrono::milliseconds delay_max{8'000};
    std::chrono::seconds forget_after{900};
    std::size_t entries_max = 10'000;
  };

  LoginThrottle() = default;
  explicit LoginThrottle(const Options& options) : options_(options) {}

  // How long the next answer for `key` waits.
  std::chrono::milliseconds delay(std::string_view key, Instant now);
  void failed(std::string_view key, Instant now);
  void succeeded(std::string_view key);
  std::size_t size() const { return entries_.size(); }

  // How often failed() and succeeded() were called.
  struct Counts {
    std::uint64_t failed = 0;
    std::uint64_t succeeded = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Entry {
    std::string key;
    int failures = 0;
    Instant last{};
  };
  void forget_old(Instant now);

  Options options_;
  Counts counts_;
  std::list<Entry> entries_;  // the most recent failure first
  std::unordered_map<std::string_view, std::list<Entry>::iterator, SipHash> by_key_;
};

}  // namespace balcony::server
