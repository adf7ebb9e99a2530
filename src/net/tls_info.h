// What a finished TLS handshake says about itself and about the peer. Values, any thread.
#pragma once

#include <balcony/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony {

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string sni;      // the name that the client asked for; empty: none
  std::string alpn;     // "xmpp-client"; empty: not negotiated
  bool resumed = false;
};

// What is wrong with a certificate; each has its own line in the log and its own answer.
enum class CertificateFault : unsigned char {
  kNone,
  kMissing,           // the peer showed none
  kExpired,           // it, or one above it
  kNotYetValid,       // the same
  kRevoked,           // it is on a list of its authority (RFC 5280 §5)
  kSelfSigned,        // signed by itself, and not trusted
  kUnknownAuthority,  // its authority is not trusted, or the chain is incomplete
  kWrongName,         // it is good, but for others
  kNotPinned,         // another one is pinned
  kOther,
};
// "expired", "wrong-name": for logs. "none" for kNone.
std::string_view to_string(CertificateFault fault) noexcept;

struct PeerCertificate {
  std::string der;  // empty: the peer showed none
  // What came with it, as it came: it first, then those above it. DER.
  std::vector<std::string> chain;
  // Its chain leads to a trusted authority now, or it is the pinned one; its names are another
  // matter. What servers go by, of which one certificate may stand for several domains.
  bool trusted = false;
  // Why `verified` is false; with `trusted` it is kWrongName.
  CertificateFault fault = CertificateFault::kMissing;
  // Its chain leads to a trusted authority now, and, where we connected, it is for the name that we
  // asked for (RFC 9525), or it is the pinned one.
  bool verified = false;
  std::string error;  // why not, as a sentence; empty when verified
  // At a server: the first name of the TlsHost that the client came to, whose authorities counted.
  std::string host;
};

// Channel bindings for SCRAM-…-PLUS (RFC 5801, XEP-0440).
enum class ChannelBinding : unsigned char {
  kTlsExporter,        // RFC 9266
  kTlsServerEndPoint,  // RFC 5929 §4
  kTlsUnique,          // RFC 5929 §3, for peers that know nothing newer
};

}  // namespace balcony
