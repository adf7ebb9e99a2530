#include "server/user_certificate.h"

#include "net/certificate.h"

#include <utility>

namespace balcony::server {

std::optional<stream::ShownCertificate> read_shown(const PeerCertificate& peer) {
  if (peer.der.empty()) return std::nullopt;
  stream::ShownCertificate shown;
  shown.error = peer.error;
  shown.host = peer.host;
  const auto certificate = read_certificate(peer.der);
  if (!certificate) {
    shown.error = certificate.error().detail;
    return shown;
  }
  for (const std::string& address : certificate->names.xmpp) {
    if (auto jid = Jid::parse(address)) shown.addresses.push_back(*std::move(jid));
  }
  return shown;
}

}  // namespace balcony::server
