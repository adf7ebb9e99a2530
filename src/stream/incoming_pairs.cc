#include "stream/incoming_pairs.h"

#include "stanza/stanza.h"

#include <algorithm>
#include <utility>

namespace balcony::stream {
namespace {

Dialback request_for(const DomainPair& pair) {
  Dialback request;
  request.addresses = pair;
  return request;
}

}  // namespace

void IncomingPairs::on_tls(bool has_certificate) noexcept {
  tls_ = true;
  has_certificate_ = has_certificate;
}

ServerActions IncomingPairs::on_request(const Dialback& request) {
  if (request.kind == Dialback::Kind::kVerify) return on_key_request(request);
  return on_pair_request(request);
}

// ---- the authoritative server (XEP-0220 §2.2.2)

ServerActions IncomingPairs::on_key_request(const Dialback& request) const {
  using enum Dialback::Type;
  const auto& [remote, local] = request.addresses;
  if (!policy_->serves(local)) {
    return list(Send{write_dialback(answer_to(request, kError, Errc::kItemNotFound))});
  }
  const ServerTrust trust = policy_->trust(remote, local);
  if (!trust.allowed || (trust.tls_required && !tls_)) {
    return list(Send{write_dialback(answer_to(request, kError, Errc::kPolicyViolation))});
  }
  const bool is_ours = is_our_key(policy_->dialback_secret(), request);
  return list(Send{write_dialback(answer_to(request, is_ours ? kValid : kInvalid))});
}

// ---- the receiving server (§2.2.1)

ServerActions IncomingPairs::on_pair_request(const Dialback& request) {
  const DomainPair& pair = request.addresses;
  // §2.6: a pair is not verified again on the same stream.
  if (const auto known = accepted_.find(pair); known != accepted_.end()) {
    return answer(pair, known->second);
  }
  // What is being verified gets its answer.
  if (pending_.contains(pair)) return {};
  if (auto error = refusal(pair)) return reject(pair, *std::move(error));
  Pending& pending = pending_[pair];
  pending.key = request.key;
  if (!has_certificate_) return verify(pair, pending);
  // XEP-0344 §2.4: a good certificate makes the question to others needless.
  pending.at_certificate = true;
  return list(CheckCertificate{pair.from});
}

std::optional<Error> IncomingPairs::refusal(const DomainPair& pair) const {
  if (!policy_->serves(pair.to)) {
    return Error(Errc::kItemNotFound, "the domain that is asked for is not served here");
  }
  // Nobody else speaks for a domain of ours.
  if (policy_->serves(pair.from)) {
    return Error(Errc::kNotAcceptable, "the domain that is claimed is one of ours");
  }
  const ServerTrust trust = policy_->trust(pair.from, pair.to);
  if (!trust.allowed) return Error(Errc::kPolicyViolation, "the domain is denied");
  if (trust.tls_required && !tls_) return Error(Errc::kPolicyViolation, "TLS is required");
  const std::size_t pending_max = accepted_.empty()
                                      ? std::min(limits_.unproved_pending_max, limits_.pending_max)
                                      : limits_.pending_max;
  if (accepted_.size() >= limits_.pairs_max || pending_.size() >= pending_max) {
    return Error(Errc::kResourceConstraint, "too many pairs of domains on one stream");
  }
  return std::nullopt;
}

ServerActions IncomingPairs::verify(const DomainPair& pair, Pending& pending) {
  if (policy_->trust(pair.from, pair.to).certificate_required) {
    return reject(pair, Error(Errc::kNotAuthorized, "a valid certificate is required"));
  }
  pending.at_certificate = false;
  return list(VerifyKey{pair, id_, pending.key});
}

ServerActions IncomingPairs::on_certificate(std::string_view domain, const Result<>& verdict) {
  std::vector<DomainPair> asked;
  for (const auto& [pair, pending] : pending_) {
    if (pending.at_certificate && pair.from == domain) asked.push_back(pair);
  }
  ServerActions actions;
  for (const DomainPair& pair : asked) {
    append(actions, verdict ? answer(pair, PairProof::kCertificate) : verify(pair, pending_[pair]));
  }
  return actions;
}

ServerActions IncomingPairs::on_key(const DomainPair& pair, const Result<>& verdict) {
  const auto found = pending_.find(pair);
  if (found == pending_.end() || found->second.at_certificate) return {};
  if (verdict) return answer(pair, PairProof::kDialback);
  return reject(pair, no_answer_to_key(verdict.error()));
}

ServerActions IncomingPairs::answer(const DomainPair& pair, PairProof proof) {
  const DomainPair accepted = pair;  // `pair` may stand in what is erased
  pending_.erase(accepted);
  const bool is_new = !accepted_.contains(accepted);
  ServerActions actions =
      list(Send{write_dialback(answer_to(request_for(accepted), Dialback::Type::kValid))});
  if (is_new) actions.emplace_back(accept(accepted, proof));
  return actions;
}

ServerActions IncomingPairs::reject(const DomainPair& pair, Error error) {
  using enum Dialback::Type;
  const DomainPair rejected = pair;
  pending_.erase(rejected);
  ++refused_;
  // XEP-0220 §2.2.1: <invalid/> costs the peer the stream, and so the other pairs on it; where
  // there are some, it is told with an error.
  const bool is_invalid = error.code == Errc::kForbidden && accepted_.empty();
  const Dialback answer =
      answer_to(request_for(rejected), is_invalid ? kInvalid : kError, error.code);
  return list(Send{write_dialback(answer)}, PairRejected{rejected, std::move(error)});
}

PairAccepted IncomingPairs::accept(DomainPair pair, PairProof proof) {
  accepted_.insert_or_assign(pair, proof);
  return {std::move(pair), proof};
}

// ---- stanzas

bool IncomingPairs::may_send(std::string_view from, std::string_view to) const {
  return accepted_.contains(DomainPairView{from, to});
}

std::optional<StreamError> IncomingPairs::check(const Stanza& stanza) const {
  using enum StreamCondition;
  // RFC 6120 §4.9.3.12: before the stream is authenticated.
  if (accepted_.empty()) return StreamError{kNotAuthorized, ""};
  // §8.1.1.2, §8.1.2.2: both are there.
  if (!stanza.from() || !stanza.to()) return StreamError{kImproperAddressing, ""};
  const std::string_view from = stanza.from()->domain();
  const std::string_view to = stanza.to()->domain();
  if (may_send(from, to)) return std::nullopt;
  const bool is_peer = std::ranges::any_of(
      accepted_, [from](const auto& proven) { return proven.first.from == from; });
  // §8.1.2.2: the sender's domain is one that the peer has proved; §8.1.1.2: and for this one.
  if (!is_peer) return StreamError{kInvalidFrom, ""};
  return StreamError{kHostUnknown, ""};
}

}  // namespace balcony::stream
