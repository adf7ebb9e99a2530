#include "server/s2s/certificate_lookup.h"

#include "base/log.h"
#include "net/certificate.h"
#include "net/socket_address.h"
#include "precis/idna.h"
#include "server/s2s/dane.h"
#include "server/s2s/policy.h"
#include "server/shard_context.h"

#include <utility>

namespace balcony::server::s2s {

std::string_view to_string(CertificateWay way) noexcept {
  switch (way) {
    case CertificateWay::kDane: return "dane";
    case CertificateWay::kPosh: return "posh";
  }
  return {};
}

AskLimits::Options ask_limits(const Config& config) {
  AskLimits::Options options;
  options.at_once_max = static_cast<std::size_t>(config.s2s.verifications);
  options.at_once_per_address_max = static_cast<std::size_t>(config.s2s.verifications_per_address);
  options.failures_per_minute_max = static_cast<std::size_t>(config.s2s.failures_per_address);
  options.rest_max = config.s2s.retry_max;
  return options;
}

bool is_in_time(const PeerCertificate& peer, WallTime now) {
  const auto certificate = read_certificate(peer.der);
  return certificate && certificate->not_before <= now && now < certificate->not_after;
}

struct CertificateLookup::Asked {
  CertificateQuestion what;
  std::shared_ptr<Answer> answer = std::make_shared<Answer>();
  Instant until{};
  TimerId timer = 0;
};

CertificateLookup::CertificateLookup(ShardContext& context)
    : context_(context), limits_(ask_limits(*context.config)), posh_(context) {}

void CertificateLookup::reconsider() {
  limits_.set_options(ask_limits(*context_.config));
}

bool CertificateLookup::is_of_use(const CertificateQuestion& what) const {
  const Config& config = *context_.config;
  if (what.peer.der.empty() || what.why.code == Errc::kForbidden) return false;
  // What its own authority has taken back, nobody else makes good.
  if (what.peer.fault == CertificateFault::kRevoked) return false;
  // Pins say it all.
  const RemoteDomainConfig* own = find_domain(config.s2s, what.domain);
  if (own && !own->pins.empty()) return false;
  // An address has neither records nor a web server of its own.
  if (SocketAddress::parse(what.domain, 0)) return false;
  const bool has_dnssec = !config.dns.trust_anchor_file.empty();
  return config.s2s.posh || (has_dnssec && what.incoming);
}

std::shared_ptr<CertificateLookup::Answer> CertificateLookup::ask(CertificateQuestion what) {
  auto asked = std::make_shared<Asked>(Asked{std::move(what)});
  const auto answer = asked->answer;
  const Instant now = context_.shard.clock().now();
  const Question question{asked->what.domain, asked->what.address};
  if (auto may = limits_.begin(question, now); !may) {
    ++counts_.refused;
    log_debug("nobody is asked about a certificate",
              {{"remote", asked->what.domain}, {"why", may.error().detail}});
    answer->set(fail(asked->what.why));
    return answer;
  }
  const auto within = context_.config->s2s.lookup_timeout;
  asked->until = now + within;
  asked->timer = context_.shard.after(within, [asked] {
    asked->timer = 0;
    asked->answer->set(fail(asked->what.why));
  });
  spawn(find(std::move(asked)));
  return answer;
}

Task<> CertificateLookup::find(std::shared_ptr<Asked> asked) {
  const Result<CertificateWay> way = co_await find_way(asked);
  const Question question{asked->what.domain, asked->what.address};
  Result<> outcome;
  if (!way) {
    // Whatever was wrong, it is this peer's: it must not keep the domain's own server out.
    const Errc code = way.error().code;
    const bool is_ours = code == Errc::kResourceConstraint || code == Errc::kCancelled;
    outcome = fail(is_ours ? code : Errc::kForbidden, way.error().detail);
  }
  limits_.end(question, outcome, context_.shard.clock().now());
  context_.shard.cancel(asked->timer);
  if (!way) {
    ++counts_.none;
    asked->answer->set(fail(asked->what.why));
    co_return;
  }
  ++(*way == CertificateWay::kDane ? counts_.dane : counts_.posh);
  log_info(
      "certificate counts",
      {{"remote", asked->what.domain}, {"peer", asked->what.address}, {"by", to_string(*way)}});
  asked->answer->set(*way);
}

Task<Result<CertificateWay>> CertificateLookup::find_way(std::shared_ptr<Asked> asked) {
  const CertificateQuestion& what = asked->what;
  const std::shared_ptr<const Config> config = context_.config;
  if (what.incoming && !config->dns.trust_anchor_file.empty()) {
    BALCONY_CO_ASSIGN(std::string ascii, precis::domain_to_ascii(what.domain));
    PeerCertificate peer = what.peer;
    const auto named = co_await names_certificate(*context_.shared.resolver, context_.shard.clock(),
                                                  std::move(ascii), std::move(peer), asked->until);
    if (named) co_return CertificateWay::kDane;
  }
  if (!config->s2s.posh) co_return fail(what.why);
  // RFC 7711 §6: `expires` is of the document. A certificate that is over stays so.
  if (!is_in_time(what.peer, context_.shard.clock().wall())) co_return fail(what.why);
  BALCONY_CO_ASSIGN(const PoshDocument document, co_await posh_.find(what.domain));
  if (posh_matches(document, what.peer)) co_return CertificateWay::kPosh;
  co_return fail(Errc::kForbidden, "not a certificate that POSH names");
}

}  // namespace balcony::server::s2s
