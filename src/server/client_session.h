// A client's stream: the coroutine that reads it, the negotiation while there is one, and the
// endpoint that the router delivers to once a resource is bound.
//
// A session owns itself: start() or arrive() begin it, it deletes itself at its end. It lives on
// the shard that accepted it until its user is known, then moves to the user's home, once (decision
// 0010).
#pragma once

#include "router/endpoint.h"
#include "router/router.h"
#include "server/ledger.h"
#include "server/managed_stream.h"
#include "server/resumable.h"
#include "server/shard_context.h"
#include "server/stream_reader.h"
#include "server/unsettled.h"
#include "session/tcp_transport.h"
#include "stream/client_state.h"
#include "stream/receiving_stream.h"
#include "xml/parser.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace balcony::server {

class ClientSession final : public router::Endpoint,
                            public Resumable,
                            private ManagedStream::Session,
                            private StreamReader::Stream {
 public:
  // Takes a connection that a listener accepted on this shard.
  static void start(ShardContext& context, ConnectionPtr connection, bool direct_tls);

  void deliver(const Stanza& stanza, std::string_view to) override;
  void deliver(xml::ElementView element) override;
  void close(const StreamError& error) override;
  bool has_room() const override;
  Info info() const override;

  const Jid& jid() const override { return *account_; }
  ManagedStream& managed() override { return *managed_; }
  Held hand_over() override;

  // Ends the stream from outside (shutdown, `balconyctl session kick`); the session ends itself
  // soon after.
  void end(const StreamError& error);

 private:
  ClientSession(ShardContext& context, ConnectionPtr connection, bool direct_tls);
  ~ClientSession() override;

  Task<> run(stream::Actions first);
  bool is_open() const override { return resource_ != nullptr; }
  bool has_ended() const override { return ended_; }
  Task<Next> negotiate(xml::SplitEvent event) override;
  Task<Next> perform(stream::Actions actions);
  // One stanza of a bound session.
  xml::Scope scope() const override;
  xml::Limits limits() const;
  void prefetch() const override;
  Next on_stanza(xml::Element element, std::string_view bytes, Rest& rest) override;
  void hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest);
  Next refuse(xml::Element& element, const Error& error);
  // <active/> or <inactive/>; false when it is neither, or not offered.
  bool indicate(xml::ElementView state);
  void send_all(const std::vector<std::string>& stanzas, ReceiptPtr receipt);
  void send_held();

  Task<Result<>> upgrade_tls();
  Task<stream::Actions> look_up(stream::LookUp what);
  Task<stream::Actions> verify(stream::VerifyPassword what);
  Task<stream::Actions> check_account(stream::CheckAccount what);
  Task<stream::Actions> bind(stream::BindResource what);
  void replace_earlier(const std::string& user_agent);
  std::vector<xml::Element> enable_inline(xml::ElementView bind);
  Task<> finish_inline(std::vector<xml::Element>& answers);
  Task<stream::Actions> verify_token(stream::VerifyToken what);
  Task<stream::Actions> issue_token(stream::IssueToken what);
  Task<stream::Actions> add_keys(stream::AddKeys what);
  Task<stream::Actions> resume(stream::ResumeSession what);
  void take_up(Held held, std::string missed);
  void begin_bound();
  Task<> answer_registration(xml::Element iq);
  Task<> attempt_failed(stream::AttemptFailed what);
  // A login of this user: what it says and when it began.
  Result<Jid> begin_attempt(std::string_view username);
  // Whether the account was changed since then.
  bool is_outdated();
  stream::Actions end_outdated();
  Next come_home(const stream::ComeHome& what);
  void move_to(ShardContext& home);
  stream::Actions now_home();

  // XEP-0198 of a bound stream.
  Next on_management(xml::ElementView element);
  xml::Element enable_management(xml::ElementView request);
  void write_management(std::string_view bytes) override { write(bytes); }
  void told(stream::StanzaCount h) override;
  void peer_is_silent() override;
  void settled() override { unsettled_.wake(context_->shard); }
  // After a stanza was written.
  void sent(std::string_view text, ReceiptPtr receipt);
  // The messages of this stream that are not settled.
  Ledger& ledger();
  bool is_too_far_ahead() const override;
  Task<> catch_up() override {
    return unsettled_.wait([this] { return !ended_ && is_too_far_ahead(); });
  }

  Next stream_failed(const Error& error);
  Next on_refused(const Error& error) override;
  Next on_lost(const Error& error) override;
  void write_error(const StreamError& error);
  // To a session: behind the answer to its binding or resumption, while that is not out yet.
  void write(std::string_view bytes);
  void finish();
  void leave();

  ShardContext* context_;
  std::unique_ptr<session::TcpTransport> transport_;
  std::unique_ptr<stream::ReceivingStream> negotiation_;  // until a resource is bound
  // Of the stream at hand; once bound, one that other sessions share where its scope is the same.
  std::shared_ptr<const xml::StreamHeader> header_;
  router::ConnectedResource* resource_ = nullptr;
  std::unique_ptr<ManagedStream> managed_;  // once the client enabled it
  std::shared_ptr<Ledger> ledger_;          // once a message came
  UnsettledWait unsettled_;
  std::string behind_answer_;   // what a session gets once it knows that it is one
  StreamReader reader_;         // its limits depend on what stands above
  std::optional<Jid> account_;  // bare once authenticated, full once bound
  Instant attempt_began_{};
  std::unique_ptr<stream::ClientState> client_state_;  // of a client that says it is inactive
  std::string stream_id_;
  WallTime since_{};
  std::uint64_t stanzas_in_ = 0;
  std::uint64_t stanzas_out_ = 0;
  bool direct_tls_;
  bool ended_ = false;  // the end of the stream has been written
  bool lost_ = false;   // the connection is gone, and nobody ended the stream
};

}  // namespace balcony::server
