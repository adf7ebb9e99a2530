// What a finished TLS handshake says about itself and about the peer. Values, any thread.
#pragma once

#include <balcony/result.h>

#include <string>

namespace balcony {

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string sni;      // the name that the client asked for; empty: none
  std::string alpn;     // "xmpp-client"; empty: not negotiated
  bool resumed = false;
};

struct PeerCertificate {
  std::string der;  // empty: the peer showed none
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
