// Further pairs of domains on a stream that we opened (XEP-0220 §2.7): more domains of ours, and
// more of the server at the other end.
#include "server/s2s/federation.h"
#include "server/s2s/outgoing_stream.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace balcony::server::s2s {
namespace {

using std::chrono_literals::operator""s;

// Stanzas wait meanwhile, and go to a stream of their own then.
constexpr std::chrono::seconds kAnswerWithin = 10s;

}  // namespace

// ---- both

void OutgoingStream::ask_also(const router::DomainPair& pair, std::chrono::milliseconds within,
                              Shared then) {
  Asked& asked = asked_also_[pair];
  asked.then = std::move(then);
  asked.timer = context_->shard.after(within, [this, pair] {
    answer_also(pair, fail(Errc::kTimeout, "that server does not answer"));
  });
  // Not on the stack of who asks: the answer may be there at once.
  context_->shard.post([weak = std::weak_ptr(self_), this, pair] {
    const auto self = weak.lock();
    if (self && !ended_) apply(machine_of_.open_pair({pair.local, pair.remote}));
  });
}

void OutgoingStream::answer_also(const router::DomainPair& pair, const Result<>& verdict) {
  auto asked = asked_also_.extract(pair);
  if (!asked) return;
  context_->shard.cancel(asked.mapped().timer);
  if (!verdict) {
    lent_.erase(asked.key());
    const bool is_used = std::ranges::any_of(
        proofs_out_, [&](const auto& proof) { return proof.first.to == asked.key().remote; });
    if (!is_used) shared_.erase(asked.key().remote);
  }
  asked.mapped().then(verdict);
}

// ---- further domains of ours (§2.7.1)

bool OutgoingStream::open_also(const router::DomainPair& pair) {
  // Who was accepted by certificate has to show one for each domain: that is another stream.
  const auto first = proofs_out_.find({purpose_.pair.local, purpose_.pair.remote});
  const bool is_by_dialback =
      first != proofs_out_.end() && first->second == stream::PairProof::kDialback;
  if (ended_ || stopping_ || !is_by_dialback || pair.remote != purpose_.pair.remote) return false;
  if (!machine_->is_open() || !machine_of_.can_open({pair.local, pair.remote})) return false;
  ask_also(pair, config().auth_timeout, [context = context_, pair](const Result<>& verdict) {
    if (verdict) return;
    const Error error(Errc::kRemoteServerTimeout,
                      "that server does not accept this one: " + verdict.error().to_string());
    context->router->remotes().failed(pair, error);
  });
  return true;
}

// ---- further domains of theirs (§2.7.2)

std::size_t OutgoingStream::domains() const {
  std::set<std::string_view> all{purpose_.pair.remote};
  for (const auto& [pair, proof] : proofs_out_) all.insert(pair.to);
  for (const auto& [pair, asked] : asked_also_) all.insert(pair.remote);
  return all.size();
}

// What a stream of its own would have to show for that domain, this one has shown.
bool OutgoingStream::is_proved_for(const Wanted& wanted) const {
  const auto trust = context_->federation->policy().trust(wanted.pair.remote, wanted.pair.local);
  if (!trust.allowed || (trust.tls_required && !machine_->is_tls())) return false;
  const auto verdict = check_certificate(wanted.pair.remote, wanted.host, wanted.tlsa);
  // RFC 7673 §3: what DNSSEC contradicts counts for nobody, whatever is required.
  if (!verdict && verdict.error().code == Errc::kForbidden) return false;
  return verdict || !trust.certificate_required;
}

bool OutgoingStream::is_proved_for_all() const {
  return std::ranges::all_of(shared_,
                             [this](const auto& also) { return is_proved_for(also.second); });
}

bool OutgoingStream::can_share(const Wanted& wanted) const {
  const auto first = proofs_out_.find({purpose_.pair.local, purpose_.pair.remote});
  if (ended_ || stopping_ || purpose_.key || first == proofs_out_.end()) return false;
  if (!machine_->is_open() || !has_room()) return false;
  // Where our certificate was shown, it is one of our domains'.
  const bool is_same = wanted.pair.local == purpose_.pair.local;
  if (!is_same && first->second != stream::PairProof::kDialback) return false;
  // §2.7.2: the same address and port.
  const bool is_there = place_.direct_tls == wanted.direct_tls &&
                        std::ranges::find(wanted.addresses, place()) != wanted.addresses.end();
  if (!is_there || asked_also_.contains(wanted.pair)) return false;
  const bool is_known =
      wanted.pair.remote == purpose_.pair.remote || shared_.contains(wanted.pair.remote);
  if (!is_known && domains() >= static_cast<std::size_t>(config().domains_per_stream)) return false;
  return machine_of_.can_open({wanted.pair.local, wanted.pair.remote}) && is_proved_for(wanted);
}

void OutgoingStream::share(const Wanted& wanted, const Borrower& borrower, Shared then) {
  shared_.insert_or_assign(wanted.pair.remote, wanted);
  if (borrower.is_elsewhere) lent_.insert_or_assign(wanted.pair, borrower);
  ask_also(wanted.pair, std::min<std::chrono::seconds>(kAnswerWithin, config().auth_timeout),
           std::move(then));
}

void OutgoingStream::leave_routes(bool is_suspended) {
  PeerStream::leave_routes(is_suspended);
  for (const auto& [pair, borrower] : std::exchange(lent_, {})) {
    // Not lent yet: the borrower hears that nothing came of it.
    const bool is_asked = asked_also_.contains(pair);
    if (is_asked || is_suspended) lent_.emplace(pair, borrower);
    if (is_asked) continue;
    if (is_suspended) {
      context_->federation->loans.suspend(pair, borrower);
    } else {
      context_->federation->loans.recall(pair, borrower);
    }
  }
}

}  // namespace balcony::server::s2s
