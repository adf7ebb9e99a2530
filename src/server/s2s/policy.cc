#include "server/s2s/policy.h"

#include "base/base64.h"
#include "net/certificate.h"
#include "precis/idna.h"
#include "sasl/crypto.h"

#include <algorithm>

namespace balcony::server::s2s {

bool Policy::serves(std::string_view domain) const {
  return context_.router->serves(domain);
}

const RemoteDomainConfig* Policy::domain(std::string_view remote) const {
  const auto& all = context_.config->s2s.domains;
  const auto found = std::ranges::find(all, remote, &RemoteDomainConfig::domain);
  return found == all.end() ? nullptr : &*found;
}

stream::ServerTrust Policy::trust(std::string_view remote, std::string_view /*local*/) const {
  const S2sConfig& config = context_.config->s2s;
  const RemoteDomainConfig* own = domain(remote);
  stream::ServerTrust trust;
  trust.allowed = !refuses(remote);
  trust.tls_required = config.require_tls;
  trust.certificate_required = config.require_certificate;
  if (own && !own->certificate.empty()) trust.certificate_required = own->certificate != "dialback";
  return trust;
}

std::string Policy::dialback_secret() const {
  const std::string& configured = context_.config->s2s.dialback_secret;
  return configured.empty() ? context_.shared.dialback_secret : configured;
}

std::optional<Error> Policy::refuses(std::string_view remote) const {
  const S2sConfig& config = context_.config->s2s;
  const RemoteDomainConfig* own = domain(remote);
  const bool is_denied = own && own->policy == "deny";
  const bool is_left_out = !config.allow_only.empty() &&
                           std::ranges::find(config.allow_only, remote) == config.allow_only.end();
  if (!is_denied && !is_left_out) return std::nullopt;
  // RFC 6120 §8.3.3.10: the condition for "sending to entities at a blacklisted domain". Waiting
  // does not help, and who sends it does not matter.
  return Error(Errc::kNotAllowed, "this server does not exchange stanzas with that one");
}

Result<> Policy::check(const PeerCertificate& peer, std::string_view domain) const {
  const RemoteDomainConfig* own = this->domain(domain);
  if (own && !own->pins.empty()) {
    const std::string digest = hex_encode(sasl::digest(sasl::ScramHash::kSha256, peer.der));
    if (std::ranges::find(own->pins, digest) != own->pins.end()) return {};
    return fail(Errc::kTls, std::string(to_string(CertificateFault::kNotPinned)) +
                                ": the certificate with SHA-256 " + digest);
  }
  const ServerName name{std::string(domain), precis::domain_to_ascii(domain).value_or("")};
  const CertificateFault fault = server_fault(peer, name);
  if (fault == CertificateFault::kNone) return {};
  std::string why(to_string(fault));
  if (fault != CertificateFault::kWrongName && !peer.error.empty()) why += ": " + peer.error;
  return fail(Errc::kTls, std::move(why));
}

}  // namespace balcony::server::s2s
