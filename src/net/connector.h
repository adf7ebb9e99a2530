// Going out: from a domain to a connection.
//
//   BALCONY_CO_ASSIGN(auto endpoints, co_await find_service(resolver, "example.org", kClient));
//   BALCONY_CO_ASSIGN(auto connected, co_await connect_any(shard, endpoints, 30s));
//
// Threads: the shard's on which the connection shall live.
#pragma once

#include "net/connection.h"
#include "net/resolver.h"
#include "net/socket_address.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <string>
#include <vector>

namespace balcony {

class Shard;

// A place to connect to.
struct Endpoint {
  Endpoint() = default;
  Endpoint(SocketAddress address_, std::string host_, bool direct_tls_ = false)
      : address(address_), host(std::move(host_)), direct_tls(direct_tls_) {}

  SocketAddress address;
  std::string host;         // the name that it came from: an SRV target or the domain
  bool direct_tls = false;  // TLS starts at once, without STARTTLS (XEP-0368)
  // Where it came from is validated by DNSSEC: TLSA records of `host` count (RFC 7673 §3).
  bool secure = false;
};

enum class Service : unsigned char { kXmppClient, kXmppServer };

// Where `domain` (an A-label or a literal address) offers `service`, in the order to try:
// _xmpp-… and _xmpps-… SRV records mixed by priority and weight (RFC 6120 §3.2.1, XEP-0368 §2), or
// without any the domain itself at port 5222 or 5269 (RFC 6120 §3.2.2).
//
// Errors: kNotFound: no such domain, or it says that it has no such service. Else as Resolver.
Task<Result<std::vector<Endpoint>>> find_service(Resolver& resolver, std::string domain,
                                                 Service service);

struct Connected {
  ConnectionPtr connection;
  Endpoint endpoint;
};

// Connects to the first endpoint that answers: the next one is tried when one fails, or has not
// answered for 250 ms (RFC 8305 §5), while the earlier ones go on.
//
// `within`  for everything.
// Errors    kConnect: none answered; the detail names the last reason. kTimeout. kCancelled: the
//           shard ends.
Task<Result<Connected>> connect_any(Shard& shard, std::vector<Endpoint> endpoints,
                                    std::chrono::milliseconds within,
                                    ConnectionOptions options = {});

}  // namespace balcony
