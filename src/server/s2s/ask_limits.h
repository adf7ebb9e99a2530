// How much strangers can make us ask others: a dialback key names a domain whose server we connect
// to (XEP-0220 §2.1.2), a certificate one whose records and documents we look at. Whoever sends
// keys for other people's domains could else use us to knock at their doors.
//
// Bounded are the questions at the same time, in all and for each address that causes them, and
// those that came to nothing: a target that could not be asked is left alone for a while, longer
// each time; so is one address with a target that said no to it, which must not keep others from
// that target; and an address may have few failures a minute, whatever the targets.
//
// Used by Federation, on its shard's thread. Time is handed in.
#pragma once

#include "base/clock.h"
#include "server/recent.h"

#include <balcony/result.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace balcony::server::s2s {

// What is asked, and who causes it.
struct Question {
  std::string target;   // a domain
  std::string address;  // of the peer, without its port
};

class AskLimits {
 public:
  struct Options {
    std::size_t at_once_max = 100;
    std::size_t at_once_per_address_max = 10;
    std::size_t failures_per_minute_max = 30;  // for each address
    std::chrono::seconds rest_max{300};        // how long a target is left alone in the end
    std::size_t remembered_max = 10'000;       // targets, and addresses
  };

  explicit AskLimits(const Options& options)
      : options_(options), failures_(options.remembered_max), addresses_(options.remembered_max) {}

  // The configuration has changed; what is remembered stays.
  void set_options(const Options& options) { options_ = options; }

  // Whether this may be asked now: then end() follows, once.
  // Errors: that of the target, where it failed a while ago. kResourceConstraint: a limit.
  Result<> begin(const Question& question, Instant now);

  // What came of it. kForbidden and other conditions of stanzas: the target was asked, and says no.
  // kResourceConstraint and kCancelled are our own, and nobody's failures. Any other error, and
  // kRemoteServer…: it could not be asked.
  void end(const Question& question, const Result<>& outcome, Instant now);

  std::size_t running() const noexcept { return running_; }
  std::size_t remembered() const noexcept { return failures_.size(); }

 private:
  struct Failure {
    Error error;
    unsigned count = 0;
    Instant rests_until{};
  };
  struct Minute {
    std::size_t failures = 0;
    Instant began{};
  };
  void remember(std::string_view name, const Error& error, Instant now);

  Options options_;
  std::size_t running_ = 0;
  std::map<std::string, std::size_t> running_by_address_;
  Recent<Failure> failures_;
  Recent<Minute> addresses_;
};

}  // namespace balcony::server::s2s
