// What others say of a certificate that no authority vouches for: signed records of DNS (DANE), and
// a document on the domain's web server (POSH, RFC 7711). Asked while a handshake waits, and so not
// for long: what comes later is remembered for the next one.
//
// Part of Federation; on its shard's thread.
#pragma once

#include "net/tls_info.h"
#include "server/s2s/ask_limits.h"
#include "server/s2s/posh_finder.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace balcony::server {
struct Config;
struct ShardContext;
}  // namespace balcony::server

namespace balcony::server::s2s {

enum class CertificateWay : std::uint8_t { kDane, kPosh };
std::string_view to_string(CertificateWay way) noexcept;  // "dane", "posh"

struct CertificateQuestion {
  std::string domain;   // prepared
  std::string address;  // of the peer, without its port
  PeerCertificate peer;
  // They connected to us. Where we did, DANE has been asked before: there it can contradict.
  bool incoming = false;
  Error why;  // it does not count by itself; that stays the answer where nobody says more
};

class CertificateLookup {
 public:
  explicit CertificateLookup(ShardContext& context);

  // The configuration has changed.
  void reconsider();

  // Whether the configuration lets anybody be asked about such a certificate.
  bool is_of_use(const CertificateQuestion& what) const;

  // Set once, at once or within [s2s] lookup_timeout, to who vouched for it, or to what.why.
  using Answer = OneShot<Result<CertificateWay>>;
  std::shared_ptr<Answer> ask(CertificateQuestion what);

  // Questions under way. The server does not end before they do.
  std::size_t running() const { return limits_.running(); }

  struct Counts {
    std::uint64_t dane = 0;
    std::uint64_t posh = 0;
    std::uint64_t none = 0;     // nobody vouched for it
    std::uint64_t refused = 0;  // a limit was reached
  };
  const Counts& counts() const { return counts_; }
  const PoshFinder& posh() const { return posh_; }

 private:
  struct Asked;
  Task<> find(std::shared_ptr<Asked> asked);
  Task<Result<CertificateWay>> find_way(std::shared_ptr<Asked> asked);

  ShardContext& context_;
  AskLimits limits_;
  PoshFinder posh_;
  Counts counts_;
};

// The limits of [s2s] for questions to others.
AskLimits::Options ask_limits(const Config& config);

// Whether a certificate is in its time.
bool is_in_time(const PeerCertificate& peer, WallTime now);

}  // namespace balcony::server::s2s
