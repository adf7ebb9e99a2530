// The certificates of the hosts: read from where the configuration says, or made on first start.
#pragma once

#include "net/tls_context.h"
#include "server/config.h"

#include <balcony/result.h>

#include <string>

namespace balcony::server {

// TLS options for clients' streams with a certificate for every host (RFC 6120 §13.7.1.2.1: each
// under its own name, chosen by SNI). A host without a configured certificate gets a self-signed
// one under DATA/certificates, kept for later starts, and a warning says so. Errors: kConfig with
// the host and the file; kIo.
Result<TlsServerOptions> load_certificates(const Config& config);

// The same certificates for streams with other servers (RFC 6120 §13.7.2, XEP-0368): each is asked
// for its own.
TlsServerOptions for_servers(const Config& config, TlsServerOptions options);

// Where a host's certificate lies, or will lie once it is made.
std::string certificate_path(const Config& config, const HostConfig& host);

}  // namespace balcony::server
