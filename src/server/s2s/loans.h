// Streams that carry stanzas to several domains of one server (XEP-0220 §2.7.2). The routes of each
// domain are at its own home, so the stream may live on another shard: that one lends it.
//
//   borrower: borrow() --asks each shard--> lender: lend() --<db:result/>--> the other server
//   borrower: a BorrowedStream in the route, which hands stanzas over to the lender in batches
//
// When the stream is over, what was on its way comes back before anything goes elsewhere: order is
// kept (RFC 6120 §10.1). One a shard, part of Federation; on the shard's thread only. Shards talk
// by posts, whose order is kept.
#pragma once

#include "base/clock.h"
#include "net/socket_address.h"
#include "net/tlsa.h"
#include "router/endpoint.h"
#include "router/remote.h"
#include "server/shard_context.h"
#include "stanza/stanza.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::server::s2s {

class PeerStream;

// A further target domain that a stream is wanted for.
struct Wanted {
  explicit Wanted(router::DomainPair pair_) : pair(std::move(pair_)) {}

  router::DomainPair pair;
  std::string host;  // where DNS or the configuration sends first; all its addresses
  std::vector<SocketAddress> addresses;
  bool direct_tls = false;
  std::vector<TlsaRecord> tlsa;  // what DNSSEC says of the certificate there
};

// A stream of another shard, for one pair of domains.
struct Loan {
  std::size_t lender = 0;
  std::uint64_t number = 0;  // of the lender's loans
  std::weak_ptr<PeerStream*> stream;
  router::Endpoint::Info info;
};

// Who has borrowed a stream: another shard, under this number of ours; or nobody, this shard wants
// it itself.
struct Borrower {
  Borrower(bool is_elsewhere_, std::size_t shard_, std::uint64_t number_)
      : is_elsewhere(is_elsewhere_), shard(shard_), number(number_) {}
  bool is_elsewhere;
  std::size_t shard;
  std::uint64_t number;
};

class Loans {
 public:
  explicit Loans(ShardContext& context);
  ~Loans();
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;

  // ---- the borrower

  // Looks for a stream that stands and asks on it for the pair. True: the route has it. False:
  // there is none, or that server refused.
  Task<bool> borrow(Wanted wanted);

  // From the lender: the stream is lost and may be resumed; over() follows when that is known.
  void suspended(const router::DomainPair& pair, std::uint64_t number);
  // From the lender: the stream is over, or another one now.
  void over(const router::DomainPair& pair, std::uint64_t number);
  // From the lender: these came too late, in order.
  void came_back(const router::DomainPair& pair, std::uint64_t number, std::deque<Stanza> stanzas);

  // ---- the lender

  // Asks on a stream of this shard. Errors: kNotFound: there is none; else what the server said.
  Task<Result<Loan>> lend(const Wanted& wanted, std::size_t borrower);
  // Writes stanzas of a borrower, or sends them back.
  void carry(const router::DomainPair& pair, const Loan& loan, std::size_t borrower,
             std::vector<Stanza> stanzas);
  // Tell a borrower that the stream is lost, or over.
  void suspend(const router::DomainPair& pair, const Borrower& borrower);
  void recall(const router::DomainPair& pair, const Borrower& borrower);

 private:
  class BorrowedStream;
  using Refusal = std::pair<SocketAddress, std::string>;  // of a domain; empty: of any

  BorrowedStream* find(const router::DomainPair& pair, std::uint64_t number);
  void settle(const router::DomainPair& pair, std::uint64_t number);
  bool is_refused(const SocketAddress& place, const std::string& domain);
  void remember(const SocketAddress& place, const std::string& domain, const Error& error);

  ShardContext& context_;
  std::map<router::DomainPair, std::unique_ptr<BorrowedStream>> borrowed_;
  std::map<Refusal, Instant> refused_;  // until when nobody asks again
  std::uint64_t number_ = 0;
};

}  // namespace balcony::server::s2s
