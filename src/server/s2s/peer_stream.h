// A stream with another server, whoever opened it: reading and writing stanzas, stream management
// (XEP-0198), its end, and what both ends do with the machine's actions. The endpoint that the
// router delivers the stanzas of its pairs of domains to.
//
// A stream owns itself: it deletes itself at its end. Base of IncomingStream and OutgoingStream. On
// the shard of its remote domain's home, but for the first moments of an incoming one.
#pragma once

#include "router/endpoint.h"
#include "router/remote.h"
#include "server/managed_stream.h"
#include "server/s2s/certificate_lookup.h"
#include "server/s2s/machine.h"
#include "server/shard_context.h"
#include "server/stream_reader.h"
#include "server/unsent_stanzas.h"
#include "server/unsettled.h"
#include "session/tcp_transport.h"
#include "xml/parser.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::server::s2s {

// For `balconyctl s2s`.
struct StreamDescription {
  bool is_outgoing = false;
  bool is_ready = false;  // a pair of domains is proved
  bool is_bidirectional = false;
  bool is_managed = false;
  bool verifies_only = false;
  std::string remote;                 // the domain that it is mainly for
  std::vector<std::string> sends;     // "ours -> theirs: proof"
  std::vector<std::string> receives;  // "theirs -> ours: proof"
  std::size_t unacknowledged = 0;
  router::Endpoint::Info info;
};

class OutgoingStream;

class PeerStream : public router::Endpoint,
                   protected StreamReader::Stream,
                   protected ManagedStream::Session {
 public:
  PeerStream(const PeerStream&) = delete;
  PeerStream& operator=(const PeerStream&) = delete;

  void deliver(const Stanza& stanza, std::string_view to) override;
  void deliver(xml::ElementView element) override;
  void close(const StreamError& error) override { end(error); }
  bool has_room() const override;
  Info info() const override;

  // Ends the stream from outside; it deletes itself soon after.
  void end(const StreamError& error);
  // The server stops: what the other one has and did not acknowledge yet is waited for, shortly.
  void stop();
  // Ends it without an error: nobody needs it any more.
  void end_politely();
  // The configuration has changed.
  virtual void reconsider() = 0;
  virtual StreamDescription describe() const;
  // Asks for a further pair on this stream; false: it cannot carry it. Ends in the router's ready()
  // or failed().
  virtual bool open_also(const router::DomainPair& pair) = 0;
  virtual bool is_incoming() const = 0;  // the other server opened it
  virtual OutgoingStream* as_outgoing() { return nullptr; }
  // The domain that the stream is mainly for; not to be believed of an incoming one that is not
  // ready.
  virtual std::string remote() const = 0;
  bool has_pairs() const { return !proofs_in_.empty() || !proofs_out_.empty(); }
  bool has_remote(std::string_view domain) const;
  // Whether the router may send the pair's stanzas here.
  bool may_carry(const router::DomainPair& pair) const {
    return !ended_ && !stopping_ && proofs_out_.contains({pair.local, pair.remote});
  }
  // Empty once the stream is gone; from any thread. What it holds, on its shard alone.
  std::weak_ptr<PeerStream*> handle() const { return self_; }

 protected:
  PeerStream(ShardContext& context, std::unique_ptr<Machine> machine);
  ~PeerStream() override;

  Machine& machine() const { return *machine_; }
  const S2sConfig& config() const { return context_->config->s2s; }
  // Takes the connection; `limits` as before authentication.
  void take(ConnectionPtr connection);
  // The stream is at its end; deletes this.
  void finish();
  // Everything may go on for as long as it is used: it is not a stranger's any more.
  void become_trusted();

  // Performs the actions in their order. The first also waits for TLS.
  Task<Next> perform(stream::ServerActions actions);
  void apply(stream::ServerActions actions);

  // What each end does for itself.
  virtual Task<Result<>> upgrade_tls() = 0;
  virtual Result<> check_certificate(std::string_view domain) const;
  // Whether others are to be asked about one that does not count by itself: where it matters.
  virtual bool asks_others(std::string_view domain) const = 0;
  virtual void on_opened(const stream::PairOpened& what);
  virtual void on_refused_pair(const stream::PairRefused& what);
  virtual void on_accepted(const stream::PairAccepted& what);
  virtual void on_ready(const stream::StreamReady&) {}
  virtual void on_failed(const stream::Failed& what);
  virtual void on_key_answered(const stream::KeyAnswered&) {}
  virtual stream::ServerActions on_management_asked(bool /*resume*/) { return {}; }
  virtual void on_resumption_asked(const stream::Resume&) {}
  virtual void on_management(stream::ManagementOutcome) {}
  // What is left when the stream is over; `is_lost`: its connection broke, and it can be resumed.
  virtual void leave(bool is_lost) = 0;

  // Tells the router that the pairs of this stream have none any more.
  virtual void leave_routes(bool is_suspended);
  // Answers the senders of what did not go out, or is not acknowledged.
  void return_stanzas();
  void manage(std::unique_ptr<ManagedStream> managed);
  void write(std::string_view bytes);
  // The line of the log that every event of the stream has.
  void say(std::string_view event, std::string_view remote, std::string_view why) const;

  // StreamReader::Stream
  bool is_open() const override { return machine_->is_open(); }
  bool has_ended() const override { return ended_; }
  xml::Scope scope() const override { return xml::scope_of(header_); }
  Next on_stanza(xml::Element element, std::string_view bytes, Rest& rest) override;
  Task<Next> negotiate(xml::SplitEvent event) override;
  Next on_refused(const Error& error) override;
  Next on_lost(const Error& error) override;
  bool is_too_far_ahead() const override;
  Task<> catch_up() override {
    return unsettled_.wait([this] { return !ended_ && is_too_far_ahead(); });
  }

  // ManagedStream::Session
  void write_management(std::string_view bytes) override { write(bytes); }
  void told(stream::StanzaCount) override {}
  void settled() override { unsettled_.wake(context_->shard); }
  void peer_is_silent() override;

  ShardContext* context_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<session::TcpTransport> transport_;
  xml::Limits limits_;
  StreamReader reader_;
  xml::StreamHeader header_;
  std::unique_ptr<ManagedStream> managed_;
  std::unique_ptr<UnsentStanzas> unsent_;  // where nothing is acknowledged
  UnsettledWait unsettled_;
  std::shared_ptr<CertificateLookup::Answer> looking_up_;       // that negotiation waits for
  std::map<std::string, CertificateWay> vouched_for_;           // domains, by others
  std::map<stream::DomainPair, stream::PairProof> proofs_in_;   // from theirs to ours
  std::map<stream::DomainPair, stream::PairProof> proofs_out_;  // from ours to theirs
  // Set for as long as this lives: for what is answered later.
  std::shared_ptr<PeerStream*> self_ = std::make_shared<PeerStream*>(this);
  WallTime since_{};
  std::uint64_t stanzas_in_ = 0;
  std::uint64_t stanzas_out_ = 0;
  bool stopping_ = false;
  bool ended_ = false;  // our end of the stream is closed, or there is none
  bool lost_ = false;   // the connection is gone, and nobody ended the stream

 private:
  void apply_one(stream::ServerAction& action, stream::ServerActions& more);
  void verify(const stream::VerifyKey& what);
  // " by posh" where others vouched for the peer's certificate.
  std::string vouched_by(const stream::DomainPair& pair) const;
  // Set to the verdict, at once or a while later; `verdict`: whether it counts by itself.
  using Lookup = std::shared_ptr<CertificateLookup::Answer>;
  Lookup look_up(const std::string& domain, const Error& why);
  Task<stream::ServerActions> check_and_wait(std::string domain);
  static Task<> check_later(std::weak_ptr<PeerStream*> weak, Lookup lookup, std::string domain);
  stream::ServerActions tell_certificate(const std::string& domain,
                                         const Result<CertificateWay>& way);
  Next on_management_element(xml::ElementView element);
  void refuse(xml::ElementView stanza, const Error& error);
  void return_too_big(const Stanza& stanza);
  void hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest);
  void wake();
  void watch_idleness();

  TimerId idle_timer_ = 0;
  TimerId stop_timer_ = 0;
  std::uint64_t idle_at_ = 0;  // stanzas at the last look
};

}  // namespace balcony::server::s2s
