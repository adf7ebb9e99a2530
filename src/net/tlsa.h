// TLSA records (DANE: RFC 6698, for XMPP RFC 7673): reading one, and whether a certificate is what
// they say. Pure functions; any thread.
#pragma once

#include "net/tls_info.h"

#include <balcony/result.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace balcony {

// RFC 6698 §2.1.1, with the names of RFC 7218.
enum class TlsaUsage : std::uint8_t { kPkixTa = 0, kPkixEe = 1, kDaneTa = 2, kDaneEe = 3 };

struct TlsaRecord {
  TlsaUsage usage = TlsaUsage::kDaneEe;
  std::uint8_t selector = 0;  // §2.1.2: 0 the certificate, 1 its public key (SubjectPublicKeyInfo)
  std::uint8_t matching = 0;  // §2.1.3: 0 as it is, 1 SHA-256, 2 SHA-512
  std::string data;

  bool operator==(const TlsaRecord&) const = default;
};

// From the bytes of a record's RDATA. Errors: kMalformed, also for usages, selectors and matching
// types that nobody has defined, and digests of another length: such a record is not usable (§4.1).
Result<TlsaRecord> parse_tlsa(std::string_view rdata);

// "_5269._tcp.xmpp.example.org" (§3): of the host that a connection goes to.
std::string tlsa_name(std::uint16_t port, std::string_view host);

enum class DaneVerdict : std::uint8_t {
  kNone,      // there are no usable records: what else is known decides
  kMatches,   // it is the certificate of that server
  kMismatch,  // there are records, and none fits: the certificate must not be accepted (§4.1)
};

// What records that DNSSEC has validated say of a peer's certificate. `names`: with kPkixTa,
// kPkixEe and kDaneTa one of them has to be in the certificate: the domain and the host that SRV
// gave for it (RFC 7673 §3.3). kDaneEe says it all by itself, names and times are not looked at
// (RFC 7671 §5.1). kPkix… hold only for a peer.trusted.
DaneVerdict match_tlsa(std::span<const TlsaRecord> records, const PeerCertificate& peer,
                       std::span<const std::string> names);

}  // namespace balcony
