#include "server/s2s/outgoing_stream.h"

#include "base/log.h"
#include "precis/idna.h"
#include "server/s2s/policy.h"
#include "server/unacknowledged.h"
#include "stanza/ns.h"

#include <algorithm>
#include <utility>

namespace balcony::server::s2s {

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
  const auto also = shared_.find(std::string(domain));
  if (also != shared_.end()) {
    return check_certificate(domain, also->second.host, also->second.tlsa);
  }
  static const std::vector<TlsaRecord> kNone;
  return check_certificate(domain, place_.host, domain == purpose_.pair.remote ? tlsa_ : kNone);
}

// `host`: where DNS sends for the domain, and `tlsa` what it says of the certificate there.
Result<> OutgoingStream::check_certificate(std::string_view domain, const std::string& host,
                                           const std::vector<TlsaRecord>& tlsa) const {
  const PeerCertificate peer = transport_->peer_certificate();
  const std::vector<std::string> names{precis::domain_to_ascii(domain).value_or(""), host};
  switch (tlsa.empty() ? DaneVerdict::kNone : match_tlsa(tlsa, peer, names)) {
    case DaneVerdict::kMatches: return {};
    case DaneVerdict::kMismatch:
      return fail(Errc::kForbidden, "not the certificate that DNS names");
    case DaneVerdict::kNone: break;
  }
  return PeerStream::check_certificate(domain);
}

// Where the certificate decides whether stanzas go there; else it would cost time for nothing.
bool OutgoingStream::asks_others(std::string_view domain) const {
  return !purpose_.key && trust_of(config(), domain).certificate_required;
}

void OutgoingStream::on_opened(const stream::PairOpened& what) {
  const router::DomainPair pair{what.pair.from, what.pair.to};
  if (asked_also_.contains(pair)) {
    PeerStream::on_opened(what);
    return answer_also(pair, {});
  }
  if (pair != purpose_.pair) {
    // An answer that came too late: there is another stream by now.
    if (!again_.contains(pair)) return;
    const auto shared = shared_.find(pair.remote);
    if (shared != shared_.end() && !is_proved_for(shared->second)) {
      return context_->router->remotes().came_back(pair, {});
    }
  } else {
    reported_ = true;
    // Without stream management nobody can say what the lost stream had brought.
    if (resuming_) context_->federation->give_back(*resuming_);
    resuming_.reset();
  }
  // Another stream than that which was lost overtakes nothing.
  if (resumes_) context_->router->remotes().release(pair);
  PeerStream::on_opened(what);
}

void OutgoingStream::on_refused_pair(const stream::PairRefused& what) {
  PeerStream::on_refused_pair(what);
  const router::DomainPair pair{what.pair.from, what.pair.to};
  const Error error(Errc::kRemoteServerTimeout,
                    "that server does not accept this one: " + what.error.to_string());
  // Where the whole stream is over, it is tried again with all pairs.
  const bool is_answer = machine_of_.state() != stream::InitiatingServer::State::kEnded;
  if (is_answer && again_.contains(pair)) context_->router->remotes().came_back(pair, {});
  if (pair != purpose_.pair) return answer_also(pair, fail(what.error));
  if (what.error.code == Errc::kClosed) return;  // leave() tells why
  if (!std::exchange(reported_, true)) context_->router->remotes().failed(pair, error);
  if (!has_pairs()) end_politely();
}

void OutgoingStream::on_ready(const stream::StreamReady&) {
  if (purpose_.key) apply(machine_of_.verify(*purpose_.key));
}

void OutgoingStream::on_failed(const stream::Failed& what) {
  PeerStream::on_failed(what);
  failure_ = what.error;
  // RFC 6120 §4.9.3.19: two redirects in a row are enough.
  constexpr unsigned kRedirectsMax = 2;
  if (has_pairs() || purpose_.redirection.count >= kRedirectsMax) return;
  redirect_ = what.see_other_host;
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
    send_rest(std::move(lost));
  } else {
    context_->federation->give_back(lost);
  }
}

void OutgoingStream::send_rest(LostStream lost) {
  const bool is_good = is_proved_for_all();
  for (const Stanza& stanza : read_kept(lost.managed->take_unacknowledged(), ns::kServer)) {
    if (is_good && machine_of_.may_send(stanza.from()->domain(), stanza.to()->domain())) {
      deliver(stanza, {});
    } else {
      const Error error(Errc::kRemoteServerTimeout, "the connection to that server was lost");
      context_->router->remotes().give_back(stanza, error);
    }
  }
  context_->federation->recall(lost);
}

void OutgoingStream::take_up(stream::ManagementOutcome outcome) {
  // It may have another certificate than the stream that was lost.
  if (!is_proved_for_all()) {
    context_->federation->give_back(*resuming_);
    resuming_.reset();
    return end({StreamCondition::kPolicyViolation, "the certificate is not the same"});
  }
  auto missed = resuming_->managed->resume(outcome.peer_h);
  if (!missed) {
    context_->federation->give_back(*resuming_);
    resuming_.reset();
    return end({StreamCondition::kUndefinedCondition, missed.error().detail});
  }
  LostStream lost = *std::exchange(resuming_, std::nullopt);
  manage(std::move(lost.managed));
  write(*missed);
  context_->federation->recall(lost);
  say("server stream resumed", remote(), "");
}

// ---- the end

void OutgoingStream::leave(bool is_lost) {
  // Where the peer has everything, a new stream will do; it may have something for us where it may
  // send.
  const bool is_resuming =
      is_lost && (machine_->is_bidirectional() || !managed_->waiting().empty());
  leave_routes(is_resuming);
  while (!asked_also_.empty()) {
    answer_also(router::DomainPair(asked_also_.begin()->first), fail(failure_));
  }
  if (!redirect_.empty() && !reported_ && !context_->shared.stopping) {
    Purpose again = std::move(purpose_);
    again.places.clear();
    Redirection& next = again.redirection;
    next.to = redirect_;
    ++next.count;
    // §4.9.3.19 (b): only who is authenticated sends us anywhere.
    next.is_unproved = !machine_of_.is_certified();
    next.tlsa = std::move(tlsa_);
    next.tlsa_host = std::move(place_.host);
    say("the server sends us elsewhere", again.pair.remote, redirect_);
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
    keep_lost();
    return start(*context_, purpose_.pair);
  }
  if (std::exchange(reported_, true) || try_elsewhere()) return;
  report(*context_, purpose_, failure_);
}

void OutgoingStream::keep_lost() {
  LostStream lost;
  lost.first = purpose_.pair;
  for (const auto& [pair, proof] : proofs_out_) lost.sends.insert(pair);
  lost.shared = std::move(shared_);
  lost.lent = std::move(lent_);
  managed_->attach(nullptr);
  lost.managed = std::move(managed_);
  // Nothing new waits for longer than it may.
  const auto patience = std::min(config().resume_timeout, config().waiting_time);
  lost.until = context_->shard.clock().now() + patience;
  context_->federation->keep_lost(purpose_.pair, std::move(lost));
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
  const Policy& policy = context_->federation->policy();
  const bool is_allowed = policy.trust(purpose_.pair.remote, purpose_.pair.local).allowed;
  // Where they may send, too.
  const bool may_come = std::ranges::all_of(proofs_in_, [&policy](const auto& proof) {
    return policy.trust(proof.first.from, proof.first.to).allowed;
  });
  if (!is_allowed || !may_come || !is_proved_for_all()) {
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
