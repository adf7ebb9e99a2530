// Certificate: what an X.509 certificate says, and whether it is for a name (RFC 9525, RFC 6120
// §13.7). Plain values from DER or PEM; any thread.
#pragma once

#include "net/tls_info.h"

#include <balcony/result.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

// Subject alternative names. The common name is never looked at (RFC 9525 §6.1).
struct CertificateNames {
  std::vector<std::string> dns;           // dNSName, as A-labels, lower case; may hold "*."
  std::vector<std::string> srv;           // SRVName (RFC 4985): "_xmpp-server.example.org"
  std::vector<std::string> xmpp;          // id-on-xmppAddr (RFC 6120 §13.7.1.4)
  std::vector<std::string> ip_addresses;  // iPAddress, as text
};

struct Certificate {
  CertificateNames names;
  std::string subject;  // "CN = example.org"
  std::string issuer;
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  std::string sha256;  // of the DER, lower-case hexadecimal
  bool self_signed = false;
};

// Errors: kMalformed.
Result<Certificate> read_certificate(std::string_view der);
// The first certificate of a PEM text. Errors: kMalformed.
Result<Certificate> read_certificate_pem(std::string_view pem);

// Whether `pattern` from a certificate is for `name`, both A-labels: equal without case, or "*." in
// the place of exactly one left-most label (RFC 9525 §6.3).
bool dns_name_matches(std::string_view pattern, std::string_view name);

// Whether the certificate is for `name`: a domain as an A-label, or an IP address. `service`: also
// accept SRVName "_service.name": "xmpp-client", "xmpp-server", or empty for neither.
bool certificate_is_for(const CertificateNames& names, std::string_view name,
                        std::string_view service = {});

// The domain of a server, as certificates may name it.
struct ServerName {
  std::string domain;  // a prepared domainpart (RFC 7622 §3.2)
  std::string ascii;   // the same in A-labels
};

// Whether a certificate is for the XMPP server of a domain: by dNSName, where a star stands for the
// whole left-most label, by SRVName "_xmpp-server" (RFC 6120 §13.7.1.2), or by id-on-xmppAddr that
// holds the domain alone (§13.7.1.4). An address is looked for among iPAddress.
bool names_server(const CertificateNames& names, const ServerName& server);

// What keeps `peer` from being the server of a domain (RFC 6120 §13.7.2, XEP-0178 §3). kNone:
// nothing, its chain is trusted and it names that server.
CertificateFault server_fault(const PeerCertificate& peer, const ServerName& server);

}  // namespace balcony
