#include "client/dialer.h"

#include "base/number.h"
#include "precis/idna.h"

#include <algorithm>
#include <utility>

namespace balcony::client {
namespace {

using Tls = ClientOptions::Tls;

constexpr std::uint16_t kStartTlsPort = 5222;
constexpr std::uint16_t kDirectTlsPort = 5223;

constexpr std::uint16_t kComponentPort = 5347;

Task<Result<std::vector<Endpoint>>> given_server(Runtime::Impl& runtime, std::string_view text,
                                                 std::uint16_t usual_port, bool direct) {
  BALCONY_CO_ASSIGN(const HostPort server, parse_server(text));
  const std::uint16_t port = server.port == 0 ? usual_port : server.port;
  std::vector<Endpoint> endpoints;
  if (const auto literal = SocketAddress::parse(server.host, port)) {
    endpoints.emplace_back(*literal, server.host, direct);
    co_return endpoints;
  }
  BALCONY_CO_ASSIGN(Resolver * resolver, runtime.resolver());
  BALCONY_CO_ASSIGN(const auto addresses, co_await resolver->addresses(server.host, port));
  for (const SocketAddress& address : addresses) {
    endpoints.emplace_back(address, server.host, direct);
  }
  co_return endpoints;
}

Task<Result<std::vector<Endpoint>>> server_of_domain(Runtime::Impl& runtime,
                                                     const ClientOptions& options) {
  BALCONY_CO_ASSIGN(std::string domain, network_name(options.jid));
  BALCONY_CO_ASSIGN(Resolver * resolver, runtime.resolver());
  BALCONY_CO_ASSIGN(auto endpoints, co_await find_service(*resolver, domain, Service::kXmppClient));
  if (options.tls == Tls::kDirect) {
    std::erase_if(endpoints, [](const Endpoint& endpoint) { return !endpoint.direct_tls; });
    if (endpoints.empty()) {
      BALCONY_CO_ASSIGN(const auto addresses, co_await resolver->addresses(domain, kDirectTlsPort));
      for (const auto& address : addresses) endpoints.emplace_back(address, domain, true);
    }
  } else if (options.tls == Tls::kNone) {
    std::erase_if(endpoints, [](const Endpoint& endpoint) { return endpoint.direct_tls; });
  }
  co_return endpoints;
}

// RFC 7590 §3.1: everywhere else somebody may listen.
Result<> check_near(const std::vector<Endpoint>& endpoints) {
  const auto is_far = [](const Endpoint& e) { return !e.address.is_loopback(); };
  if (std::ranges::none_of(endpoints, is_far)) return {};
  return fail(Errc::kTls, "without TLS only a server on this machine is talked to");
}

}  // namespace

Result<HostPort> parse_server(std::string_view text) {
  HostPort server;
  std::string_view port;
  const auto colon = text.rfind(':');
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return fail(Errc::kUsage, "a ']' is missing in --server");
    server.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) {
      return fail(Errc::kUsage, "the server is written [address]:port");
    }
    if (!port.empty()) port.remove_prefix(1);
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    server.host = text.substr(0, colon);
    port = text.substr(colon + 1);
  } else {
    server.host = text;  // a name, or an IPv6 address without port
  }
  const bool wants_port = text.ends_with(':') || !port.empty();
  if (wants_port) {
    server.port = read_number<decltype(server.port)>(port).value_or(0);
    if (server.port == 0) {
      return fail(Errc::kUsage, "the port of the server is a number from 1 to 65535");
    }
  }
  if (server.host.empty()) return fail(Errc::kUsage, "the server needs a name or an address");
  return server;
}

Result<std::string> network_name(const Jid& jid) {
  const std::string_view domain = jid.domain();
  if (domain.starts_with('[')) return std::string(domain.substr(1, domain.size() - 2));
  return precis::domain_to_ascii(domain);
}

Task<Result<Connected>> dial(Runtime::Impl& runtime, const ClientOptions& options) {
  Result<std::vector<Endpoint>> endpoints = fail(Errc::kNotFound);
  if (options.server.empty()) {
    endpoints = co_await server_of_domain(runtime, options);
  } else {
    const bool direct = options.tls == Tls::kDirect;
    const std::uint16_t port = direct ? kDirectTlsPort : kStartTlsPort;
    endpoints = co_await given_server(runtime, options.server, port, direct);
  }
  if (!endpoints) co_return fail(endpoints.error());
  if (options.tls == Tls::kNone) BALCONY_CO_CHECK(check_near(*endpoints));
  co_return co_await connect_any(*runtime.shard, *std::move(endpoints), options.connect_timeout);
}

Task<Result<Connected>> dial(Runtime::Impl& runtime, const ComponentOptions& options) {
  BALCONY_CO_ASSIGN(std::vector<Endpoint> endpoints,
                    co_await given_server(runtime, options.server, kComponentPort, false));
  if (!options.allow_far) BALCONY_CO_CHECK(check_near(endpoints));
  co_return co_await connect_any(*runtime.shard, std::move(endpoints), options.connect_timeout);
}

}  // namespace balcony::client
