// A stream that we open to another server (RFC 6120 §3 to §6, XEP-0220): finds it, connects, proves
// our domain, and carries stanzas; or asks, as the receiving server of another stream, whether a
// dialback key is true.
#pragma once

#include "net/connector.h"
#include "net/tls_context.h"
#include "server/s2s/federation.h"
#include "server/s2s/loans.h"
#include "server/s2s/peer_stream.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::server::s2s {

// Where a server sent us (RFC 6120 §4.9.3.19).
struct Redirection {
  std::string to;      // a host, perhaps with a port; empty: nowhere yet
  unsigned count = 0;  // how often
  // Who said so had not proved who he is: anybody on the way can say it, too. Then it may lead to
  // another port of the places that DNS names, and nowhere else.
  bool is_unproved = false;
  // What DNSSEC says of the place that it came from holds on: else a word in clear would free the
  // next server of it.
  std::vector<TlsaRecord> tlsa;
  std::string tlsa_host;
};

// What a stream is opened for.
struct Purpose {
  explicit Purpose(router::DomainPair pair_) : pair(std::move(pair_)) {}

  router::DomainPair pair;
  // A key is to be verified and no stanza sent.
  std::optional<stream::VerifyKey> key;
  Federation::Verdict verdict;
  // The places that were not tried yet, where DNS gave several (RFC 6120 §3.2.1).
  std::vector<balcony::Endpoint> places;
  std::vector<std::string> addresses;  // of all places that were found
  Redirection redirection;
};

class OutgoingStream final : public PeerStream {
 public:
  // For stanzas of this pair. Ends in the router's ready() or failed().
  static void start(ShardContext& context, router::DomainPair pair);
  // For a question to the authoritative server of what.pair.from.
  static void verify(ShardContext& context, const stream::VerifyKey& what,
                     Federation::Verdict verdict);

  void reconsider() override;
  bool is_incoming() const override { return false; }
  bool open_also(const router::DomainPair& pair) override;
  StreamDescription describe() const override;
  std::string remote() const override { return purpose_.pair.remote; }
  OutgoingStream* as_outgoing() override { return this; }

  // ---- further domains of that server (XEP-0220 §2.7.2)

  // Whether the stream stands, goes to the same place, and is proved well enough for that domain.
  bool can_share(const Wanted& wanted) const;
  // Asks for the pair; where can_share(). `then` is called once, later. Errors: what the server
  // answered; kClosed, kTimeout: nothing.
  using Shared = std::function<void(const Result<>&)>;
  void share(const Wanted& wanted, const Borrower& borrower, Shared then);
  // Where the stream goes.
  const SocketAddress& place() const { return place_.address; }

 private:
  OutgoingStream(ShardContext& context, Purpose purpose,
                 std::unique_ptr<MachineOf<stream::InitiatingServer>> machine,
                 std::shared_ptr<const TlsClientContext> tls);

  static Task<> open(ShardContext& context, Purpose purpose);
  struct Arrived {
    ConnectionPtr connection;
    balcony::Endpoint endpoint;
    std::vector<TlsaRecord> tlsa;
  };
  static Task<Result<Arrived>> arrive(ShardContext& context, Purpose& purpose);
  using Places = std::vector<balcony::Endpoint>;
  static Task<Result<>> look_up(ShardContext& context, Purpose& purpose);
  static Result<> keep_within(const Purpose& purpose, Places& places);
  static Task<Result<Places>> find_places(ShardContext& context, const Purpose& purpose);
  static Task<Result<std::vector<TlsaRecord>>> find_tlsa(ShardContext& context,
                                                         const balcony::Endpoint& endpoint);
  static Task<Result<bool>> find_shared(ShardContext& context, Purpose& purpose);
  static void report(ShardContext& context, Purpose& purpose, const Error& error);
  Task<> run(bool direct_tls);
  Task<Result<>> upgrade_tls() override;
  Result<> check_certificate(std::string_view domain) const override;
  Result<> check_certificate(std::string_view domain, const std::string& host,
                             const std::vector<TlsaRecord>& tlsa) const;
  bool is_proved_for(const Wanted& wanted) const;
  bool is_proved_for_all() const;
  std::size_t domains() const;
  void ask_also(const router::DomainPair& pair, std::chrono::milliseconds within, Shared then);
  void answer_also(const router::DomainPair& pair, const Result<>& verdict);
  void leave_routes(bool is_suspended) override;
  bool asks_others(std::string_view domain) const override;
  void on_opened(const stream::PairOpened& what) override;
  void on_refused_pair(const stream::PairRefused& what) override;
  void on_ready(const stream::StreamReady& what) override;
  void on_failed(const stream::Failed& what) override;
  void on_key_answered(const stream::KeyAnswered& what) override;
  void on_management(stream::ManagementOutcome outcome) override;
  void take_up(stream::ManagementOutcome outcome);
  void send_rest(LostStream lost);
  void keep_lost();
  bool try_elsewhere();
  void leave(bool is_lost) override;

  Purpose purpose_;
  stream::InitiatingServer& machine_of_;
  const std::shared_ptr<const TlsClientContext> tls_;
  std::optional<LostStream> resuming_;
  std::string redirect_;
  std::vector<TlsaRecord> tlsa_;  // of the place that it went to, where DNSSEC says so
  balcony::Endpoint place_;
  struct Asked {
    TimerId timer = 0;
    Shared then;
  };
  std::map<router::DomainPair, Asked> asked_also_;
  std::map<std::string, Wanted> shared_;  // by domain, but for the first
  std::map<router::DomainPair, Borrower> lent_;
  bool resumes_ = false;                // it was made to resume another one
  std::set<router::DomainPair> again_;  // what that carried but for the first pair
  Error failure_{Errc::kClosed, "the server ended the stream"};
  bool reported_ = false;
};

}  // namespace balcony::server::s2s
