#include "server/s2s/outgoing_stream.h"

#include "base/log.h"
#include "precis/idna.h"
#include "server/config_federation.h"
#include "server/s2s/client_tls.h"
#include "stream/dialback.h"

#include <algorithm>
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
  options.read_bytes_per_second = static_cast<std::uint32_t>(config.limits.rate_before_auth.count);
  return options;
}

}  // namespace

// ---- going out

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
  auto arrived = co_await arrive(context, purpose);
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
  if (lost) options.lost = stream::Resume{lost->managed->id(), lost->managed->h()};
  auto machine = std::make_unique<MachineOf<stream::InitiatingServer>>(context.federation->policy(),
                                                                       std::move(options));
  auto* session =
      new OutgoingStream(context, std::move(purpose), std::move(machine), std::move(tls));
  session->resuming_ = std::move(lost);
  session->tlsa_ = std::move(arrived->tlsa);
  session->host_ = std::move(arrived->endpoint.host);
  session->take(std::move(arrived->connection));
  session->transport_->set_deadline_in(context.config->s2s.auth_timeout);
  co_await session->run(direct_tls);
}

// Connects to the first place that answers; those behind it stay in purpose.places.
Task<Result<OutgoingStream::Arrived>> OutgoingStream::arrive(ShardContext& context,
                                                             Purpose& purpose) {
  if (purpose.places.empty()) {
    BALCONY_CO_ASSIGN(purpose.places, co_await find_places(context, purpose));
  }
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
  co_return arrived;
}

Task<Result<OutgoingStream::Places>> OutgoingStream::find_places(ShardContext& context,
                                                                 const Purpose& purpose) {
  const RemoteDomainConfig* own = find_domain(context.config->s2s, purpose.pair.remote);
  BALCONY_CO_ASSIGN(std::string domain, precis::domain_to_ascii(purpose.pair.remote));
  Resolver& resolver = *context.shared.resolver;
  std::string place = purpose.see_other_host;
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

// ---- the stream

OutgoingStream::OutgoingStream(ShardContext& context, Purpose purpose,
                               std::unique_ptr<MachineOf<stream::InitiatingServer>> machine,
                               std::shared_ptr<const TlsClientContext> tls)
    : PeerStream(context, std::move(machine)),
      purpose_(std::move(purpose)),
      machine_of_(static_cast<MachineOf<stream::InitiatingServer>&>(*machine_).own),
      tls_(std::move(tls)) {}

Task<> OutgoingStream::run(bool direct_tls) {
  Next next = Next::kGoOn;
  if (direct_tls) {
    if (auto tls = co_await upgrade_tls(); !tls) {
      next = on_lost(tls.error());
    } else {
      next = co_await perform(machine_->on_tls(!transport_->peer_certificate().der.empty()));
    }
  } else {
    next = co_await perform(machine_of_.on_start());
  }
  if (next == Next::kGoOn) next = co_await reader_.run(*transport_);
  finish();
}

// RFC 6120 §13.7.2: the name is the domain that is asked for, not the host that DNS gave.
Task<Result<>> OutgoingStream::upgrade_tls() {
  std::string name = precis::domain_to_ascii(purpose_.pair.remote).value_or("");
  std::string leftover = reader_.take_rest_before_tls();
  return transport_->start_tls_client(*tls_, std::move(name), std::move(leftover));
}

Result<> OutgoingStream::check_certificate(std::string_view domain) const {
  const PeerCertificate peer = transport_->peer_certificate();
  const bool is_there = domain == purpose_.pair.remote && !tlsa_.empty();
  const std::vector<std::string> names{precis::domain_to_ascii(domain).value_or(""), host_};
  switch (is_there ? match_tlsa(tlsa_, peer, names) : DaneVerdict::kNone) {
    case DaneVerdict::kMatches: return {};
    case DaneVerdict::kMismatch:
      return fail(Errc::kForbidden, "not the certificate that DNS names");
    case DaneVerdict::kNone: break;
  }
  return PeerStream::check_certificate(domain);
}

void OutgoingStream::on_opened(const stream::PairOpened& what) {
  const auto also = asked_also_.extract({what.pair.from, what.pair.to});
  if (also) {
    context_->shard.cancel(also.mapped());
    return PeerStream::on_opened(what);
  }
  reported_ = true;
  // Without stream management nobody can say what the lost stream had brought.
  if (resuming_) context_->federation->give_back(*resuming_);
  resuming_.reset();
  PeerStream::on_opened(what);
}

void OutgoingStream::on_refused_pair(const stream::PairRefused& what) {
  PeerStream::on_refused_pair(what);
  const router::DomainPair pair{what.pair.from, what.pair.to};
  const Error error(Errc::kRemoteServerTimeout,
                    "that server does not accept this one: " + what.error.to_string());
  if (pair != purpose_.pair) return fail_pair(pair, error);
  if (what.error.code == Errc::kClosed) return;  // leave() tells why
  if (!std::exchange(reported_, true)) context_->router->remotes().failed(pair, error);
  if (!has_pairs()) end_politely();
}

// ---- further domains of ours

bool OutgoingStream::open_also(const router::DomainPair& pair) {
  // Who was accepted by certificate has to show one for each domain: that is another stream.
  const auto first = proofs_out_.find({purpose_.pair.local, purpose_.pair.remote});
  const bool is_by_dialback =
      first != proofs_out_.end() && first->second == stream::PairProof::kDialback;
  if (ended_ || stopping_ || !is_by_dialback || pair.remote != purpose_.pair.remote) return false;
  stream::DomainPair asked{pair.local, pair.remote};
  if (!machine_->is_open() || !machine_of_.can_open(asked)) return false;
  asked_also_[pair] = context_->shard.after(config().auth_timeout, [this, pair] {
    fail_pair(pair, Error(Errc::kTimeout, "that server does not answer"));
  });
  // Not on the stack of who asks: the answer may be there at once.
  context_->shard.post([weak = std::weak_ptr(self_), this, asked = std::move(asked)]() mutable {
    const auto self = weak.lock();
    if (self && !ended_) apply(machine_of_.open_pair(std::move(asked)));
  });
  return true;
}

void OutgoingStream::fail_pair(const router::DomainPair& pair, const Error& error) {
  const auto asked = asked_also_.extract(pair);
  if (!asked) return;
  context_->shard.cancel(asked.mapped());
  context_->router->remotes().failed(pair, error);
}

void OutgoingStream::on_ready(const stream::StreamReady&) {
  if (purpose_.key) apply(machine_of_.verify(*purpose_.key));
}

void OutgoingStream::on_failed(const stream::Failed& what) {
  PeerStream::on_failed(what);
  failure_ = what.error;
  // RFC 6120 §4.9.3.19. Whoever answers there proves the same domain, so nothing is given away.
  if (purpose_.see_other_host.empty() && !has_pairs()) redirect_ = what.see_other_host;
}

void OutgoingStream::on_key_answered(const stream::KeyAnswered& what) {
  const auto verdict = std::exchange(purpose_.verdict, {});
  reported_ = true;
  if (verdict) verdict(what.error ? Result<>(fail(*what.error)) : Result<>());
  end_politely();
}

// ---- stream management

void OutgoingStream::on_management(stream::ManagementOutcome outcome) {
  using Kind = stream::ManagementOutcome::Kind;
  if (outcome.kind == Kind::kResumed) return take_up(std::move(outcome));
  if (outcome.kind == Kind::kEnabled) {
    manage(std::make_unique<ManagedStream>(context_->shard,
                                           std::make_shared<Ledger>(context_->shard),
                                           outcome.enabled.id, peer_management(*context_->config)));
  }
  if (!resuming_) return;
  LostStream lost = *std::exchange(resuming_, std::nullopt);
  // XEP-0198 §5: it tells how many it had: the others are sent now. Where it does not, nobody knows
  // which of them it had, and their senders hear of it.
  if (outcome.lost_h && lost.managed->resume(*outcome.lost_h)) {
    for (const Stanza& stanza : read_kept(lost.managed->take_unacknowledged())) {
      deliver(stanza, {});
    }
  } else {
    context_->federation->give_back(lost);
  }
}

void OutgoingStream::take_up(stream::ManagementOutcome outcome) {
  auto missed = resuming_->managed->resume(outcome.peer_h);
  if (!missed) {
    context_->federation->give_back(*resuming_);
    resuming_.reset();
    return end({StreamCondition::kUndefinedCondition, missed.error().detail});
  }
  LostStream lost = *std::exchange(resuming_, std::nullopt);
  manage(std::move(lost.managed));
  write(*missed);
  say("server stream resumed", remote(), "");
}

// ---- the end

void OutgoingStream::leave(bool is_lost) {
  // Where the peer has everything, a new stream will do.
  const bool is_resuming = is_lost && !managed_->waiting().empty() && proofs_out_.size() == 1;
  leave_routes(is_resuming);
  while (!asked_also_.empty()) fail_pair(router::DomainPair(asked_also_.begin()->first), failure_);
  if (!redirect_.empty() && !reported_ && !context_->shared.stopping) {
    Purpose again = std::move(purpose_);
    again.see_other_host = redirect_;
    again.places.clear();
    if (resuming_) context_->federation->keep_lost(again.pair, *std::move(resuming_));
    spawn(open(*context_, std::move(again)));
    return;
  }
  // The attempt to resume has failed before the peer said anything of it: there may be another.
  if (resuming_ && reported_) context_->federation->give_back(*resuming_);
  if (resuming_ && !reported_) {
    context_->federation->keep_lost(purpose_.pair, *std::exchange(resuming_, {}));
  }
  if (is_resuming) {
    LostStream lost;
    for (const auto& [pair, proof] : proofs_out_) lost.sends.insert(pair);
    managed_->attach(nullptr);
    lost.managed = std::move(managed_);
    // Nothing new waits for longer than it may.
    const auto patience = std::min(config().resume_timeout, config().waiting_time);
    lost.until = context_->shard.clock().now() + patience;
    context_->federation->keep_lost(purpose_.pair, std::move(lost));
    return start(*context_, purpose_.pair);
  }
  if (std::exchange(reported_, true) || try_elsewhere()) return;
  report(*context_, purpose_, failure_);
}

// RFC 6120 §3.2.1, and XEP-0368 §5: where TLS or the stream fails, the next place may do better.
// One that says nothing at all has used up the time.
bool OutgoingStream::try_elsewhere() {
  if (purpose_.places.empty() || failure_.code == Errc::kTimeout || context_->shared.stopping) {
    return false;
  }
  say("another place is tried", remote(), failure_.to_string());
  spawn(open(*context_, std::move(purpose_)));
  return true;
}

void OutgoingStream::reconsider() {
  const auto trust =
      context_->federation->policy().trust(purpose_.pair.remote, purpose_.pair.local);
  if (!trust.allowed) {
    return end({StreamCondition::kPolicyViolation, "this server talks to yours no more"});
  }
  if (!context_->router->serves(purpose_.pair.local)) end({StreamCondition::kHostGone, ""});
}

StreamDescription OutgoingStream::describe() const {
  StreamDescription all = PeerStream::describe();
  all.is_outgoing = true;
  all.verifies_only = purpose_.key.has_value();
  return all;
}

}  // namespace balcony::server::s2s
