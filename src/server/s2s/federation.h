// Everything of one shard that talks to other servers: its streams, who opens them when a stanza
// waits, who asks authoritative servers about dialback keys, and streams whose connection was lost.
//
// One a shard, made when the server federates or not; on the shard's thread only.
#pragma once

#include "net/connection.h"
#include "router/remote.h"
#include "server/managed_stream.h"
#include "server/s2s/ask_limits.h"
#include "server/s2s/certificate_lookup.h"
#include "server/s2s/loans.h"
#include "server/s2s/policy.h"
#include "server/shard_context.h"
#include "stream/server_actions.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace balcony::server::s2s {

class OutgoingStream;
class PeerStream;

// What is left of a stream whose connection was lost, until it is resumed (XEP-0198 §5).
struct LostStream {
  std::unique_ptr<ManagedStream> managed;
  stream::ProvenPairs receives;        // from theirs to ours
  std::set<stream::DomainPair> sends;  // from ours to theirs
  // Of an outgoing one: the pair that it was made for, what it had to show for the domains of the
  // others, and those that are other shards'.
  std::optional<router::DomainPair> first;
  std::map<std::string, Wanted> shared;
  std::map<router::DomainPair, Borrower> lent;
  Instant until{};  // how long it may be resumed; of an outgoing one, is tried again
  unsigned tries = 0;
  // Of an incoming one that was bidirectional: what we had sent has gone back, and only what came
  // is remembered.
  bool is_over = false;
};

class Federation final : public router::RemoteDialer {
 public:
  explicit Federation(ShardContext& context);
  ~Federation() override;

  // The configuration has come, or changed: tells the router whether others are talked to.
  void reconsider();
  // Takes a connection that a listener accepted.
  void accept(ConnectionPtr connection, bool direct_tls);
  // Ends all streams with <system-shutdown/>; what waits goes back to its senders.
  void stop();

  // router::RemoteDialer
  std::optional<Error> refuses(const router::DomainPair& pair) const override;
  void dial(const router::DomainPair& pair) override;

  // Asks the authoritative server of what.pair.from about a key (XEP-0220 §2.1.2). `address`: where
  // the key came from. `then` is called once, later. Errors: kForbidden: it is not theirs;
  // kResourceConstraint: a limit of AskLimits; else why there is no answer.
  using Verdict = std::function<void(const Result<>&)>;
  void verify(const stream::VerifyKey& what, std::string address, Verdict then);
  // Asks others about certificates that no authority vouches for.
  CertificateLookup& certificates() { return certificates_; }

  // What became of dialback keys that came, since the start.
  struct KeyCounts {
    std::uint64_t valid = 0;
    std::uint64_t invalid = 0;
    std::uint64_t unanswered = 0;  // the domain's server could not be asked
    std::uint64_t refused = 0;     // nobody was asked: a limit, or it failed a moment ago
  };
  const KeyCounts& keys() const { return key_counts_; }

  Policy& policy() { return policy_; }

  // Of the domain `remote`, accepted from there.
  std::size_t incoming_from(std::string_view remote) const;

  // Streams that were lost. Outgoing ones by their first pair, incoming ones by their id.
  void keep_lost(const router::DomainPair& pair, LostStream lost);
  // An attempt to resume it has failed: another one follows in a while. False: there is none.
  bool try_again(const router::DomainPair& pair);
  std::optional<LostStream> take_lost(const router::DomainPair& pair);
  bool has_lost(const router::DomainPair& pair) const { return lost_outgoing_.contains(pair); }
  void keep_lost(const std::string& id, LostStream lost);
  // That may be resumed by who has proved these pairs; nullopt: there is none, or somebody else's.
  std::optional<LostStream> take_lost(const std::string& id, const stream::ProvenPairs& proved);

  // Nothing can be resumed: its stanzas go back to their senders, what waits for its routes goes to
  // other streams, but for those of `first`.
  void give_back(LostStream& lost);
  // The same, and what waits goes back too.
  void give_up(LostStream lost);
  // Of an incoming one, that was bidirectional (XEP-0288): give_back(), and the count stays.
  void let_go(LostStream& lost);
  // For all incoming ones of who has proved these pairs.
  void let_go(const stream::ProvenPairs& proved);
  // It has been taken up: other shards ask for their pairs again.
  void recall(LostStream& lost);

  std::unordered_set<PeerStream*> streams;
  Loans loans;
  std::size_t dialing = 0;     // streams that have no connection yet
  std::uint64_t accepted = 0;  // connections from listeners

 private:
  struct Expiring {
    LostStream lost;
    TimerId timer = 0;
    TimerId hold = 0;  // until then stanzas wait for it, where it was bidirectional

    void stop(Loop& loop) {
      loop.cancel(timer);
      loop.cancel(hold);
    }
  };
  void find_stream(const router::DomainPair& pair);
  void expire(const std::string& id);
  void make_room(const LostStream& next);

  ShardContext& context_;
  Policy policy_;
  AskLimits key_limits_;
  KeyCounts key_counts_;
  CertificateLookup certificates_;
  std::map<router::DomainPair, LostStream> lost_outgoing_;
  std::map<std::string, Expiring> lost_incoming_;
};

ManagedOptions peer_management(const Config& config);

}  // namespace balcony::server::s2s
