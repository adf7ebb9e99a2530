// POSH (RFC 7711): a domain that is hosted by others says over HTTPS which certificates its XMPP
// server has. Reading that document and comparing; fetching it is the caller's. Pure functions; any
// thread.
#pragma once

#include "net/tls_info.h"

#include <balcony/result.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

struct PoshDocument {
  std::vector<std::string> sha256;  // of certificates (DER), 32 bytes each
  std::vector<std::string> sha512;  // the same, 64 bytes each
  std::string url;                  // where the document really is (RFC 7711 §3.2); empty: here
  std::chrono::seconds expires{0};  // how long it holds
};

// "https://example.org/.well-known/posh/xmpp-server.json" (RFC 7711 §3.1).
std::string posh_url(std::string_view domain);

// Reads the JSON document: fingerprints, or a reference (§3.1, §3.2).
// Errors: kMalformed: no JSON, more than 64 KiB, or neither of both; a reference that is not https.
Result<PoshDocument> parse_posh(std::string_view json);

// Whether the peer's own certificate is among the fingerprints (§5). Its authority, names and times
// are not looked at.
bool posh_matches(const PoshDocument& document, const PeerCertificate& peer);

}  // namespace balcony
