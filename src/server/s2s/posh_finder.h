// POSH (RFC 7711): what a domain says over HTTPS of the certificates that its XMPP server has.
// Fetches that document and remembers it, or that there is none.
//
// Only domains are asked about whose server is at the other end of a handshake. The web server has
// to have a certificate for the domain that an authority vouches for. A reference is followed once,
// an HTTP redirect never. Where a stranger could send us to addresses that are not of the open
// Internet, we do not go, unless the configuration says so.
//
// One a shard; on its thread.
#pragma once

#include "base/clock.h"
#include "net/posh.h"
#include "server/recent.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace balcony::server {
struct ShardContext;
}

namespace balcony::server::s2s {

class PoshFinder {
 public:
  // Domains that are remembered.
  static constexpr std::size_t kDomainsMax = 1'000;

  explicit PoshFinder(ShardContext& context) : context_(context), known_(kDomainsMax) {}

  // The document of `domain` (prepared). Several that ask for one domain wait for one fetch.
  // Errors: why there is none, remembered too. kResourceConstraint: too many are being fetched.
  Task<Result<PoshDocument>> find(std::string domain);

  struct Counts {
    std::uint64_t found = 0;   // fetched
    std::uint64_t failed = 0;  // there was none, or none that could be used
  };
  const Counts& counts() const { return counts_; }

 private:
  using Waiter = std::shared_ptr<OneShot<Result<PoshDocument>>>;
  struct Known {
    Result<PoshDocument> document;
    Instant until{};
  };
  Task<> fetch(std::string domain);
  Task<Result<PoshDocument>> fetch_all(std::string domain);
  Task<Result<PoshDocument>> fetch_one(std::string url, std::string domain);

  ShardContext& context_;
  Recent<Known> known_;
  std::map<std::string, std::vector<Waiter>> under_way_;
  Counts counts_;
};

// How long a document is kept that has `expires`, with this max-age of HTTP or none: neither longer
// than an hour nor shorter than a minute. Zero: RFC 7711 §6: it holds nothing, for it never ends.
std::chrono::seconds posh_keeping_time(const PoshDocument& document,
                                       std::optional<std::chrono::seconds> max_age);

}  // namespace balcony::server::s2s
