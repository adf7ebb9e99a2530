// What a client's certificate says of who it is (XEP-0178 §2, RFC 6120 §13.7.1.4). Any thread.
#pragma once

#include "net/tls_info.h"
#include "stream/receiving_stream.h"

#include <optional>

namespace balcony::server {

// Null when the peer showed none.
std::optional<stream::ShownCertificate> read_shown(const PeerCertificate& peer);

}  // namespace balcony::server
