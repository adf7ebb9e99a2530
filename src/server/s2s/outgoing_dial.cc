// From a pair of domains to a stream: the places that DNS or the configuration gives, a connection
// to one of them, what DNSSEC says of its certificate.
#include "server/s2s/outgoing_stream.h"

#include "base/log.h"
#include "precis/idna.h"
#include "server/config_federation.h"
#include "server/s2s/client_tls.h"
#include "server/s2s/policy.h"
#include "stream/dialback.h"

#include <algorithm>
#include <set>
#include <utility>

namespace balcony::server::s2s {
namespace {

constexpr std::uint16_t kPort = 5269;

stream::InitiatingServerOptions options_of(const ShardContext& context, const Purpose& purpose,
                                           bool direct_tls) {
  const S2sConfig& config = context.config->s2s;
  stream::InitiatingServerOptions options(purpose.pair.local, purpose.pair.remote);
  if (direct_tls) options.tls = stream::ServerTls::kDirect;
  options.verify_only = purpose.key.has_value();
  // The domain of a component has no certificate.
  options.external = context.router->host(purpose.pair.local) != nullptr;
  options.bidi = config.bidi;
  options.resumable = config.resume_timeout.count() > 0;
  options.limits.bytes_max = config.stanza.count;
  options.limits.idle_seconds = static_cast<std::uint64_t>(config.idle_timeout.count());
  return options;
}

ConnectionOptions connection_options(const Config& config) {
  ConnectionOptions options;
  options.output_bytes_max = config.s2s.output_queue.count;
  options.stalled_after = config.limits.stalled;
  options.keep_alive = config.limits.keep_alive;
  options.read_bytes_per_second = static_cast<std::uint32_t>(config.limits.rate_before_auth.count);
  return options;
}

}  // namespace

void OutgoingStream::start(ShardContext& context, router::DomainPair pair) {
  spawn(open(context, Purpose(std::move(pair))));
}

void OutgoingStream::verify(ShardContext& context, const stream::VerifyKey& what,
                            Federation::Verdict verdict) {
  // XEP-0220 §2.1.2: the receiving server asks, so its domain is the one that was to be sent to.
  Purpose purpose({what.pair.to, what.pair.from});
  purpose.key = what;
  purpose.verdict = std::move(verdict);
  spawn(open(context, std::move(purpose)));
}

Task<> OutgoingStream::open(ShardContext& context, Purpose purpose) {
  ++context.federation->dialing;
  const auto shared = co_await find_shared(context, purpose);
  if (shared && *shared) {
    --context.federation->dialing;
    co_return;
  }
  Result<Arrived> arrived = fail(Errc::kNotFound);
  if (!shared) {
    arrived = fail(shared.error());
  } else {
    arrived = co_await arrive(context, purpose);
  }
  --context.federation->dialing;
  if (!arrived) co_return report(context, purpose, arrived.error());
  if (context.shared.stopping) {
    co_return report(context, purpose, Error(Errc::kCancelled, "this server stops"));
  }
  const bool direct_tls = arrived->endpoint.direct_tls;
  auto tls = context.client_tls->of(purpose.pair.local, direct_tls);
  auto options = options_of(context, purpose, direct_tls);
  std::optional<LostStream> lost;
  if (!purpose.key) lost = context.federation->take_lost(purpose.pair);
  std::set<router::DomainPair> again;
  if (lost) {
    options.lost = stream::Resume{lost->managed->id(), lost->managed->h()};
    for (const stream::DomainPair& pair : lost->sends) {
      if (pair == options.pair) continue;
      options.also.push_back(pair);
      again.insert({pair.from, pair.to});
    }
  }
  auto machine = std::make_unique<MachineOf<stream::InitiatingServer>>(context.federation->policy(),
                                                                       std::move(options));
  auto* session =
      new OutgoingStream(context, std::move(purpose), std::move(machine), std::move(tls));
  session->resumes_ = lost.has_value();
  if (lost) session->shared_ = lost->shared;
  session->again_ = std::move(again);
  session->resuming_ = std::move(lost);
  session->tlsa_ = std::move(arrived->tlsa);
  session->place_ = std::move(arrived->endpoint);
  session->take(std::move(arrived->connection));
  session->transport_->set_deadline_in(context.config->s2s.auth_timeout);
  co_await session->run(direct_tls);
}

// Whether a stream that stands could take the pair too.
Task<Result<bool>> OutgoingStream::find_shared(ShardContext& context, Purpose& purpose) {
  const bool is_first = purpose.places.empty() && purpose.redirection.to.empty();
  const bool is_alone = purpose.key || context.federation->has_lost(purpose.pair) ||
                        context.config->s2s.domains_per_stream < 2;
  if (!is_first || is_alone) co_return false;
  BALCONY_CO_CHECK(co_await look_up(context, purpose));
  if (purpose.places.empty()) co_return false;
  const balcony::Endpoint first = purpose.places.front();
  Wanted wanted(purpose.pair);
  wanted.host = first.host;
  wanted.direct_tls = first.direct_tls;
  for (const balcony::Endpoint& place : purpose.places) {
    const bool is_same = place.host == first.host && place.direct_tls == first.direct_tls &&
                         place.address.port() == first.address.port();
    if (is_same) wanted.addresses.push_back(place.address);
  }
  auto tlsa = co_await find_tlsa(context, first);
  if (!tlsa) co_return false;
  wanted.tlsa = *std::move(tlsa);
  const bool found = co_await context.federation->loans.borrow(std::move(wanted));
  co_return found;
}

// Connects to the first place that answers; those behind it stay in purpose.places.
Task<Result<OutgoingStream::Arrived>> OutgoingStream::arrive(ShardContext& context,
                                                             Purpose& purpose) {
  if (purpose.places.empty()) BALCONY_CO_CHECK(co_await look_up(context, purpose));
  const ConnectionOptions options = connection_options(*context.config);
  const auto within = context.config->s2s.connect_timeout;
  BALCONY_CO_ASSIGN(Connected connected,
                    co_await connect_any(context.shard, purpose.places, within, options));
  const auto at =
      std::ranges::find(purpose.places, connected.endpoint.address, &balcony::Endpoint::address);
  if (at != purpose.places.end()) purpose.places.erase(purpose.places.begin(), at + 1);
  Arrived arrived;
  BALCONY_CO_ASSIGN(arrived.tlsa, co_await find_tlsa(context, connected.endpoint));
  arrived.connection = std::move(connected.connection);
  arrived.endpoint = std::move(connected.endpoint);
  const Redirection& redirection = purpose.redirection;
  if (!redirection.to.empty() && arrived.tlsa.empty()) {
    arrived.tlsa = redirection.tlsa;
    if (!arrived.tlsa.empty()) arrived.endpoint.host = redirection.tlsa_host;
  }
  co_return arrived;
}

Task<Result<>> OutgoingStream::look_up(ShardContext& context, Purpose& purpose) {
  BALCONY_CO_ASSIGN(Places found, co_await find_places(context, purpose));
  BALCONY_CO_CHECK(keep_within(purpose, found));
  purpose.addresses.clear();
  for (const balcony::Endpoint& place : found) purpose.addresses.push_back(place.address.ip());
  purpose.places = std::move(found);
  co_return {};
}

// What an unproved server says leads to the places of the domain, or nowhere.
Result<> OutgoingStream::keep_within(const Purpose& purpose, Places& places) {
  if (!purpose.redirection.is_unproved) return {};
  std::erase_if(places, [&purpose](const balcony::Endpoint& place) {
    return std::ranges::find(purpose.addresses, place.address.ip()) == purpose.addresses.end();
  });
  if (!places.empty()) return {};
  return fail(Errc::kRemoteServerTimeout,
              "it sends us elsewhere before it has proved who it is: " + purpose.redirection.to);
}

Task<Result<OutgoingStream::Places>> OutgoingStream::find_places(ShardContext& context,
                                                                 const Purpose& purpose) {
  const RemoteDomainConfig* own = find_domain(context.config->s2s, purpose.pair.remote);
  BALCONY_CO_ASSIGN(std::string domain, precis::domain_to_ascii(purpose.pair.remote));
  Resolver& resolver = *context.shared.resolver;
  std::string place = purpose.redirection.to;
  const bool direct_tls = place.empty() && own && own->direct_tls;
  if (place.empty() && own) place = own->connect;
  if (place.empty()) {
    co_return co_await find_service(resolver, std::move(domain), Service::kXmppServer);
  }
  const auto split = split_host_port(place).value_or(std::pair{place, kPort});
  BALCONY_CO_ASSIGN(const auto addresses, co_await resolver.addresses(split.first, split.second));
  Places places;
  for (const SocketAddress& address : addresses) {
    places.emplace_back(address, split.first, direct_tls);
  }
  co_return places;
}

// RFC 7673 §3: what DNSSEC says of the certificate at that place. What is forged goes no further.
Task<Result<std::vector<TlsaRecord>>> OutgoingStream::find_tlsa(ShardContext& context,
                                                                const balcony::Endpoint& endpoint) {
  std::vector<TlsaRecord> none;
  if (!endpoint.secure) co_return none;
  std::string name = tlsa_name(endpoint.address.port(), endpoint.host);
  auto found = co_await context.shared.resolver->tlsa(std::move(name));
  if (found && found->secure) co_return std::move(found->records);
  if (!found && found.error().code != Errc::kNotFound) co_return fail(found.error());
  co_return none;
}

void OutgoingStream::report(ShardContext& context, Purpose& purpose, const Error& error) {
  log_info("server not reached", {{"remote", purpose.pair.remote},
                                  {"local", purpose.pair.local},
                                  {"for", purpose.key ? "a dialback key" : "stanzas"},
                                  {"error", error.to_string()}});
  if (purpose.key) {
    const auto verdict = std::exchange(purpose.verdict, {});
    if (verdict) verdict(fail(stream::no_answer_to_key(error)));
    return;
  }
  if (context.federation->try_again(purpose.pair)) return;
  context.router->remotes().failed(purpose.pair, error);
}

}  // namespace balcony::server::s2s
