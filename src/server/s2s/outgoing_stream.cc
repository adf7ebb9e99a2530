#include "server/s2s/outgoing_stream.h"

#include "base/log.h"
#include "precis/idna.h"
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
    for (const Stanza& stanza : read_kept(lost.managed->take_unacknowledged(), ns::kServer)) {
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
