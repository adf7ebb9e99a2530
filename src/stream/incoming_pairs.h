// Which domains the peer of a stream may send stanzas from, and to which of ours: the receiving
// server's part of dialback (XEP-0220 §2.2), and the answers of the authoritative one.
//
// Used by ReceivingServer, and by InitiatingServer where the stream is bidirectional (XEP-0288).
// One thread at a time.
#pragma once

#include "stream/server_actions.h"

#include <balcony/result.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace balcony {
class Stanza;
}

namespace balcony::stream {

struct IncomingLimits {
  std::size_t pairs_max = 200;   // accepted on one stream
  std::size_t pending_max = 20;  // requests of one stream that are being verified
  // The same while nothing is accepted on it: who has proved nothing makes us ask few.
  std::size_t unproved_pending_max = 3;
  // Requests that were refused while nothing is accepted; more end the stream.
  std::size_t unproved_refused_max = 10;
};

class IncomingPairs {
 public:
  // `policy` must outlive it. `id`: of the stream that requests come on, for the keys.
  explicit IncomingPairs(const ServerPolicy& policy, IncomingLimits limits = {})
      : policy_(&policy), limits_(limits) {}

  // What the stream is like: TLS is on; the peer has shown a certificate.
  void on_tls(bool has_certificate) noexcept;
  void set_id(std::string id) { id_ = std::move(id); }
  // A new stream begins with TLS: what was accepted or is being verified is forgotten.
  void forget() noexcept {
    accepted_.clear();
    pending_.clear();  // what was refused counts on
  }

  // Requests of the peer: <db:result/> asks for a pair, <db:verify/> for one of our keys.
  ServerActions on_request(const Dialback& request);
  // Answers to CheckCertificate and VerifyKey; what was not asked is ignored.
  ServerActions on_certificate(std::string_view domain, const Result<>& verdict);
  ServerActions on_key(const DomainPair& pair, const Result<>& verdict);

  // Without dialback: SASL EXTERNAL has proved it.
  PairAccepted accept(DomainPair pair, PairProof proof);

  // Whether the peer has proved nothing, and was refused too often.
  bool is_tiresome() const noexcept {
    return accepted_.empty() && refused_ > limits_.unproved_refused_max;
  }
  // Where PairRejected has kForbidden and this is true, the stream is to be closed (§2.2.1).
  bool empty() const noexcept { return accepted_.empty(); }
  const ProvenPairs& accepted() const noexcept { return accepted_; }
  // Whether stanzas from the domain `from` to the domain `to` may come.
  bool may_send(std::string_view from, std::string_view to) const;
  // Null: this stanza may come in. Else what the stream ends with (RFC 6120 §8.1.1.2, §8.1.2.2).
  std::optional<StreamError> check(const Stanza& stanza) const;

  void set_policy(const ServerPolicy& policy) noexcept { policy_ = &policy; }

 private:
  struct Pending {
    std::string key;
    bool at_certificate = false;  // else at the authoritative server
  };
  ServerActions on_pair_request(const Dialback& request);
  ServerActions on_key_request(const Dialback& request) const;
  std::optional<Error> refusal(const DomainPair& pair) const;
  ServerActions verify(const DomainPair& pair, Pending& pending);
  ServerActions answer(const DomainPair& pair, PairProof proof);
  ServerActions reject(const DomainPair& pair, Error error);

  const ServerPolicy* policy_;
  IncomingLimits limits_;
  bool tls_ = false;
  bool has_certificate_ = false;
  std::string id_;
  std::size_t refused_ = 0;
  ProvenPairs accepted_;
  std::map<DomainPair, Pending, DomainPairLess> pending_;
};

}  // namespace balcony::stream
