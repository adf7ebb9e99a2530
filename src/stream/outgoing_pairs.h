// Which of our domains may send stanzas on a stream, and to which of the peer's: the initiating
// server's part of dialback (XEP-0220 §2.1.1), and the questions of a receiving one to an
// authoritative one (§2.1.2).
//
// Used by InitiatingServer, and by ReceivingServer where the stream is bidirectional (XEP-0288).
// One thread at a time.
#pragma once

#include "stream/server_actions.h"

#include <balcony/error.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::stream {

class OutgoingPairs {
 public:
  // `secret`: ServerPolicy::dialback_secret().
  explicit OutgoingPairs(std::string secret) : secret_(std::move(secret)) {}

  // The stream's id, which the peer gave: keys are made for it. A new stream begins: what was open
  // or asked for is forgotten.
  void set_id(std::string id) { id_ = std::move(id); }

  // Asks for a pair, unless that is done already; an open one is told again.
  ServerActions open(DomainPair pair);
  // The same without dialback: EXTERNAL, or the inverse of a pair that the peer has proved on a
  // bidirectional stream (XEP-0288 §2.2).
  ServerActions opened(DomainPair pair, PairProof proof);
  // Asks whether a key is the peer's.
  ServerActions verify(const VerifyKey& what);

  // An answer of the peer. What was not asked on this stream is ignored (XEP-0220 §3.1).
  ServerActions on_answer(const Dialback& answer);
  // The stream is over: what waits for an answer gets none.
  ServerActions on_end(const Error& why);

  bool may_send(std::string_view from, std::string_view to) const;
  bool is_asked(const DomainPair& pair) const { return asked_.contains(pair); }
  const ProvenPairs& open_pairs() const noexcept { return open_; }
  // Whether nothing waits for an answer.
  bool is_idle() const noexcept { return asked_.empty() && keys_.empty(); }

 private:
  std::string secret_;
  std::string id_;
  ProvenPairs open_;
  std::set<DomainPair> asked_;
  std::set<std::pair<DomainPair, std::string>> keys_;  // pair and stream id of each question
};

}  // namespace balcony::stream
