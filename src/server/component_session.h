// An external component's stream (XEP-0114): the coroutine that reads it, its handshake, and the
// endpoint that the router delivers its domain's stanzas to.
//
// A session owns itself: start() begins it, it deletes itself at its end. It lives on the shard
// that accepted it until the component has proved its secret, then moves to the home of its domain
// (decision 0010), where all streams of the domain are.
//
// XEP-0114 knows no acknowledgements: a message is settled (decision 0012) when the system has
// taken it for sending. A component that sends <enable/> (XEP-0198 §3) after the handshake gets
// them, as a client does but without resumption (decision 0017). What still waits here when the
// stream ends goes back to its sender as an error.
#pragma once

#include "router/endpoint.h"
#include "server/managed_stream.h"
#include "server/shard_context.h"
#include "server/stream_reader.h"
#include "server/unsent_stanzas.h"
#include "server/unsettled.h"
#include "session/tcp_transport.h"
#include "stream/component.h"
#include "xml/parser.h"

#include <balcony/task.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::server {

class ComponentSession final : public router::Endpoint,
                               private StreamReader::Stream,
                               private ManagedStream::Session {
 public:
  // Takes a connection that a listener accepted on this shard.
  static void start(ShardContext& context, ConnectionPtr connection);

  void deliver(const Stanza& stanza, std::string_view to) override;
  void deliver(xml::ElementView element) override;
  void close(const StreamError& error) override { end(error); }
  bool has_room() const override;
  Info info() const override;

  // Whether stanzas go through it.
  bool is_accepted() const { return accepted_; }
  const std::string& domain() const { return domain_; }

  // Ends the stream from outside; the session ends itself soon after.
  void end(const StreamError& error);
  // The server stops: ends the stream when the component has said what it has, or soon.
  void stop();
  // The configuration has changed: ends the stream where its component is gone or has another
  // secret.
  void reconsider();

 private:
  ComponentSession(ShardContext& context, ConnectionPtr connection);
  ~ComponentSession() override;

  Task<> run();
  Task<> run_at_home();
  bool is_open() const override { return !negotiation_; }
  bool has_ended() const override { return ended_; }
  Task<Next> negotiate(xml::SplitEvent event) override;
  Task<Next> perform(stream::AcceptingActions actions);
  Task<> slow_down();
  void move_to(ShardContext& home);
  Next admit();
  std::optional<StreamError> check() const;
  void begin_accepted();
  const ComponentConfig* component() const;
  std::optional<std::string> secret_of(std::string_view domain);

  // One stanza of an accepted component.
  xml::Scope scope() const override { return xml::scope_of(header_); }
  Next on_stanza(xml::Element element, std::string_view bytes, Rest& rest) override;
  void hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest);
  Next refuse(const xml::Element& element, const Error& error);
  void answer_error(xml::ElementView stanza, const Error& error);
  Next failed(const Error& error);
  Next on_refused(const Error& error) override { return failed(error); }
  Next on_lost(const Error& error) override { return failed(error); }
  bool is_too_far_ahead() const override;
  Task<> catch_up() override {
    return unsettled_.wait([this] { return !ended_ && is_too_far_ahead(); });
  }
  void write(std::string_view bytes);
  void write_error(const StreamError& error);
  void leave_router();
  void return_unsent();
  void finish();

  // component_management.cc
  Next on_management(xml::ElementView element);
  void enable();
  void write_management(std::string_view bytes) override { write(bytes); }
  void told(stream::StanzaCount) override {}
  void settled() override { unsettled_.wake(context_->shard); }
  void peer_is_silent() override;

  ShardContext* context_;
  std::unique_ptr<session::TcpTransport> transport_;
  std::unique_ptr<stream::AcceptingComponent> negotiation_;  // until accepted
  xml::StreamHeader header_;
  xml::Limits limits_;
  StreamReader reader_;
  std::unique_ptr<UnsentStanzas> unsent_;   // once accepted: what is sent before <enable/>
  std::unique_ptr<ManagedStream> managed_;  // since <enable/>
  UnsettledWait unsettled_;
  TimerId stop_timer_ = 0;
  std::string domain_;
  std::string secret_digest_;  // of the secret that was proved
  std::string stream_id_;
  WallTime since_{};
  std::uint64_t stanzas_in_ = 0;
  std::uint64_t stanzas_out_ = 0;
  bool accepted_ = false;
  bool stopping_ = false;  // stop() waits for acknowledgements
  bool ended_ = false;     // the end of the stream has been written
};

}  // namespace balcony::server
