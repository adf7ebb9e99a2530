// DANE for a server that connects to us (RFC 7673, RFC 7671): whether signed records of DNS name
// the certificate that it shows.
//
// RFC 7673 says which certificate is shown at the place that SRV names. Who comes from there mostly
// shows the same one; so where the records name it, it is that domain's. Where they do not, nothing
// is said against it: a server may go out from elsewhere, with another certificate.
#pragma once

#include "base/clock.h"
#include "net/resolver.h"
#include "net/tls_info.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <string>

namespace balcony::server::s2s {

// `domain`: as an A-label. Only records that DNSSEC has validated count, SRV and TLSA, and of these
// DANE-EE and DANE-TA: the others would ask for an authority that we trust beside them.
// `until`: no further question is asked after it.
// Errors: kNotFound: no such records, or none in time; kForbidden: there are some, and they name
// other certificates; kConnect: DNS fails, or is forged.
Task<Result<>> names_certificate(Resolver& resolver, const Clock& clock, std::string domain,
                                 PeerCertificate peer, Instant until);

}  // namespace balcony::server::s2s
