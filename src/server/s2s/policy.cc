#include "server/s2s/policy.h"

#include "base/base64.h"
#include "net/certificate.h"
#include "precis/idna.h"
#include "sasl/crypto.h"

#include <algorithm>

namespace balcony::server::s2s {

const RemoteDomainConfig* find_domain(const S2sConfig& config, std::string_view remote) {
  const auto found = std::ranges::find(config.domains, remote, &RemoteDomainConfig::domain);
  return found == config.domains.end() ? nullptr : &*found;
}

std::optional<Error> refusal(const S2sConfig& config, std::string_view remote) {
  const RemoteDomainConfig* own = find_domain(config, remote);
  const bool is_denied = own && own->policy == "deny";
  const bool is_left_out = !config.allow_only.empty() &&
                           std::ranges::find(config.allow_only, remote) == config.allow_only.end();
  if (!is_denied && !is_left_out) return std::nullopt;
  // RFC 6120 §8.3.3.10: the condition for "sending to entities at a blacklisted domain". Waiting
  // does not help, and who sends it does not matter.
  return Error(Errc::kNotAllowed, "this server does not exchange stanzas with that one");
}

stream::ServerTrust trust_of(const S2sConfig& config, std::string_view remote) {
  const RemoteDomainConfig* own = find_domain(config, remote);
  stream::ServerTrust trust;
  trust.allowed = !refusal(config, remote);
  trust.tls_required = config.require_tls;
  trust.certificate_required = config.require_certificate;
  if (own && !own->certificate.empty()) trust.certificate_required = own->certificate != "dialback";
  // A certificate is seen in TLS alone.
  if (trust.certificate_required) trust.tls_required = true;
  return trust;
}

Result<> check_certificate(const S2sConfig& config, const PeerCertificate& peer,
                           std::string_view domain) {
  const RemoteDomainConfig* own = find_domain(config, domain);
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
