// With which certificates we go out to other servers: each domain of ours shows its own (XEP-0178
// §3), and so the peer can accept it without dialback.
//
// Made at start and reload; only read, from any thread.
#pragma once

#include "net/tls_context.h"
#include "server/config.h"

#include <balcony/result.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace balcony::server::s2s {

class ClientTls {
 public:
  // `hosts`: those of the server's own TLS, each under its A-label (certificates.h).
  // Errors: kConfig with the host and the file.
  static Result<std::shared_ptr<const ClientTls>> create(const Config& config,
                                                         const std::vector<TlsHost>& hosts);

  // For a stream from this domain of ours; one of a component shows no certificate. `direct`: TLS
  // from the first byte, with ALPN (XEP-0368 §5).
  std::shared_ptr<const TlsClientContext> of(std::string_view local, bool direct) const;

 private:
  struct Pair {
    std::shared_ptr<const TlsClientContext> in_stream, direct;
  };
  static Result<Pair> make(const Config& config, const TlsHost* host);

  std::map<std::string, Pair, std::less<>> by_domain_;
  Pair others_;
};

}  // namespace balcony::server::s2s
