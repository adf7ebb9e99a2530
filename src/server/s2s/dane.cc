#include "server/s2s/dane.h"

#include "net/srv.h"
#include "net/tlsa.h"

#include <utility>
#include <vector>

namespace balcony::server::s2s {
namespace {

constexpr std::size_t kTargetsMax = 8;

// Where the domain's server is found, as far as DNSSEC says so.
Task<Result<std::vector<SrvRecord>>> secure_targets(Resolver& resolver, std::string domain) {
  std::vector<SrvRecord> targets;
  for (const char* service : {"_xmpp-server._tcp.", "_xmpps-server._tcp."}) {
    std::string name = service + domain;
    auto answer = co_await resolver.srv(std::move(name));
    if (!answer && answer.error().code != Errc::kNotFound) co_return fail(answer.error());
    if (!answer || !answer->secure) continue;
    for (SrvRecord& record : answer->records) {
      if (record.target.empty() || targets.size() >= kTargetsMax) continue;
      targets.push_back(std::move(record));
    }
  }
  co_return targets;
}

}  // namespace

Task<Result<>> names_certificate(Resolver& resolver, const Clock& clock, std::string domain,
                                 PeerCertificate peer, Instant until) {
  BALCONY_CO_ASSIGN(const std::vector<SrvRecord> targets,
                    co_await secure_targets(resolver, domain));
  Error why(Errc::kNotFound, domain + " has no signed records of its certificates");
  for (const SrvRecord& target : targets) {
    if (clock.now() >= until) break;
    std::string name = tlsa_name(target.port, target.target);
    auto answer = co_await resolver.tlsa(std::move(name));
    if (!answer && answer.error().code != Errc::kNotFound) co_return fail(answer.error());
    if (!answer || !answer->secure) continue;
    std::erase_if(answer->records, [](const TlsaRecord& record) {
      return record.usage != TlsaUsage::kDaneEe && record.usage != TlsaUsage::kDaneTa;
    });
    // RFC 7673 §3.3: with DANE-TA, the certificate is for the domain or for the SRV target.
    const std::vector<std::string> names{domain, target.target};
    switch (match_tlsa(answer->records, peer, names)) {
      case DaneVerdict::kMatches: co_return Result<>();
      case DaneVerdict::kMismatch:
        why = Error(Errc::kForbidden, "not the certificate that DNS names");
        break;
      case DaneVerdict::kNone: break;
    }
  }
  co_return fail(why);
}

}  // namespace balcony::server::s2s
