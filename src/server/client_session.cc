#include "server/client_session.h"

#include "base/log.h"
#include "base/prefetch.h"
#include "router/subscription.h"
#include "server/client_policy.h"
#include "server/detached_session.h"
#include "server/scratch.h"
#include "server/session_store.h"
#include "server/unacknowledged.h"
#include "server/user_certificate.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server {

// ---- beginning and end ----

void ClientSession::start(ShardContext& context, ConnectionPtr connection, bool direct_tls) {
  auto* session = new ClientSession(context, std::move(connection), direct_tls);
  spawn(session->run({}));
}

ClientSession::ClientSession(ShardContext& context, ConnectionPtr connection, bool direct_tls)
    : context_(&context),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      reader_(*this, limits()),
      since_(context.shard.clock().wall()),
      direct_tls_(direct_tls) {
  stream::ReceivingOptions options;
  options.tls_required = context.config->auth.require_tls;
  options.direct_tls = direct_tls;
  options.attempts_max = static_cast<int>(context.config->limits.auth_attempts);
  negotiation_ =
      std::make_unique<stream::ReceivingStream>(*context.policy, system_random(), options);
  // docs/security.md: absolute, for TLS, authentication and binding together.
  transport_->set_deadline_in(context.config->limits.auth_timeout);
  context_->sessions.insert(this);
}

ClientSession::~ClientSession() {
  if (ledger_) ledger_->close();
  context_->sessions.erase(this);
}

xml::Scope ClientSession::scope() const {
  return xml::scope_of(*header_);
}

xml::Limits ClientSession::limits() const {
  const LimitsConfig& config = context_->config->limits;
  const bool stranger = negotiation_ == nullptr || !negotiation_->authenticated();
  xml::Limits limits;
  limits.stanza_bytes_max =
      resource_ || !stranger ? config.stanza.count : config.stanza_before_auth.count;
  limits.depth_max = static_cast<std::size_t>(config.depth);
  limits.attributes_max = static_cast<std::size_t>(config.attributes);
  limits.nodes_max = static_cast<std::size_t>(config.nodes);
  return limits;
}

Task<> ClientSession::run(stream::Actions first) {
  if (direct_tls_ && !transport_->is_tls()) {
    if (auto tls = co_await upgrade_tls(); !tls) co_return finish();
    // XEP-0368 §3: TLS first, then the stream; STARTTLS is not offered.
    first = negotiation_->on_tls(transport_->channel_bindings(),
                                 read_shown(transport_->peer_certificate()));
  }
  Next next = co_await perform(std::move(first));
  if (next == Next::kGoOn) next = co_await reader_.run(*transport_);
  if (next == Next::kMove) co_return;  // it is another shard's now
  finish();
}

Next ClientSession::on_refused(const Error& error) {
  log_debug("stream refused", {{"stream", stream_id_}, {"error", error.to_string()}});
  write_error(to_stream_error(error));
  return Next::kEnd;
}

Next ClientSession::stream_failed(const Error& error) {
  if (ended_) return Next::kEnd;
  if (error.code == Errc::kClosed || error.code == Errc::kCancelled) {
    log_debug("connection closed", {{"stream", stream_id_}, {"why", error.detail}});
  } else {
    log_info("stream failed", {{"stream", stream_id_},
                               {"peer", transport_->peer()},
                               {"jid", account_ ? account_->str() : ""},
                               {"error", error.to_string()}});
    write_error(to_stream_error(error));
  }
  return Next::kEnd;
}

// A client with a session that can be resumed may be back soon (XEP-0198 §5).
Next ClientSession::on_lost(const Error& error) {
  if (ended_ || !managed_ || !managed_->is_resumable()) return stream_failed(error);
  lost_ = true;
  log_info("connection lost", {{"stream", stream_id_},
                               {"peer", transport_->peer()},
                               {"jid", account_->str()},
                               {"why", error.to_string()}});
  return Next::kEnd;
}

void ClientSession::write_error(const StreamError& error) {
  if (std::exchange(ended_, true)) return;
  if (negotiation_) {
    for (const stream::Action& action : negotiation_->end(error)) {
      if (const auto* send = std::get_if<stream::Send>(&action)) transport_->write(send->bytes);
    }
    return;
  }
  std::string& text = scratch();
  xml::write(text, write_stream_error(error));
  text += "</stream:stream>";
  transport_->write(text);
}

void ClientSession::finish() {
  ended_ = true;
  send_held();  // it is counted among what the client did not get
  const bool may_go_on = lost_ || context_->shared.stopping;
  if (may_go_on && resource_ && managed_ && managed_->is_resumable()) {
    ledger_.reset();  // it goes with the session
    Held held{std::exchange(resource_, nullptr), std::move(managed_)};
    DetachedSession::begin(*context_, std::move(held), info());
  } else {
    leave();
  }
  session::Transport::close_in_background(std::move(transport_));
  delete this;
}

void ClientSession::leave() {
  if (resource_) context_->router->unbind(*std::exchange(resource_, nullptr));
  if (managed_) {
    if (managed_->is_resumable()) {
      context_->resumable.erase(managed_->id());
      forget_session(*context_, *account_, managed_->id());
    }
    return_unacknowledged(*context_, *account_, managed_->take_unacknowledged());
  }
  if (account_) {
    log_info("session ended", {{"stream", stream_id_}, {"jid", account_->str()}});
  }
}

// ---- negotiation ----

Task<Next> ClientSession::negotiate(xml::SplitEvent event) {
  stream::Actions actions;
  if (event.kind == xml::SplitKind::kStreamEnd) {
    if (resource_) {
      // RFC 6120 §4.4: the answer to a closed stream is closing ours.
      if (!std::exchange(ended_, true)) transport_->write("</stream:stream>");
      co_return Next::kEnd;
    }
    actions = negotiation_->on_stream_end();
  } else if (event.kind == xml::SplitKind::kStreamHeader) {
    auto header = xml::parse_stream_header(event.bytes, limits());
    if (header) {
      header_ = std::make_shared<const xml::StreamHeader>(*std::move(header));
      actions = negotiation_->on_header(*header_);
      stream_id_ = negotiation_->id();
    } else {
      actions = negotiation_->on_error(header.error());
    }
  } else {
    auto element = xml::parse(event.bytes, xml::scope_of(*header_), limits());
    actions = element ? negotiation_->on_element(*std::move(element))
                      : negotiation_->on_error(element.error());
  }
  reader_.keep_rest();
  co_return co_await perform(std::move(actions));
}

// ---- bound: stanzas in and out ----

void ClientSession::prefetch() const {
  if (!resource_) return;
  balcony::prefetch(*this);
  balcony::prefetch(*header_);
  balcony::prefetch(*resource_);
  if (ledger_) balcony::prefetch(*ledger_);
  balcony::prefetch(*resource_->user);
}

Next ClientSession::on_stanza(xml::Element element, std::string_view bytes, Rest& rest) {
  // XEP-0198 §5: what is sent again after a resumption, and is here already, is handled once.
  if (managed_ && element.ns() == ns::kClient && ledger().arrives(bytes)) return Next::kGoOn;
  auto stanza = Stanza::make(element);
  if (!stanza) {
    if (element.ns() == ns::kStreamManagement) return on_management(element);
    return refuse(element, stanza.error());
  }
  // RFC 6120 §8.1.2.1: a 'from' that is neither the full nor the bare JID of the session.
  if (stanza->from() && *stanza->from() != resource_->jid &&
      *stanza->from() != resource_->user->bare) {
    write_error({StreamCondition::kInvalidFrom, ""});
    return Next::kEnd;
  }
  ++stanzas_in_;
  hand_in(*std::move(stanza), bytes.size(), rest);
  return Next::kGoOn;
}

// docs/decisions/0012: a message, a request to the server, or a subscription is settled when nobody
// has its receipt any more; other presence when its handler has returned.
void ClientSession::hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest) {
  router::Router& router = *context_->router;
  if (stanza.is_message()) {
    stanza.set_receipt(ledger().enter(bytes));
    rest.task = router.receive(*resource_, std::move(stanza));
    return;
  }
  ReceiptPtr receipt = managed_ ? ledger().enter(0) : nullptr;
  // What it changes is to be on disk.
  if (stanza.is_iq() || router::is_subscription_type(stanza.type())) stanza.set_receipt(receipt);
  rest.task = router.receive(*resource_, std::move(stanza));
  if (rest.task) rest.receipt = std::move(receipt);
}

Ledger& ClientSession::ledger() {
  if (!ledger_) {
    ledger_ = std::make_shared<Ledger>(context_->shard);
    ledger_->on_progress([this] { settled(); });
  }
  return *ledger_;
}

bool ClientSession::is_too_far_ahead() const {
  return is_too_much_open(ledger_.get(), context_->config->limits);
}

Next ClientSession::refuse(xml::Element& element, const Error& error) {
  if (element.is(ns::kStream, "error")) {
    if (!std::exchange(ended_, true)) transport_->write("</stream:stream>");
    return Next::kEnd;
  }
  if (element.ns() == ns::kClientState && indicate(element)) return Next::kGoOn;
  if (error.code == Errc::kUndefinedCondition) {
    write_error({StreamCondition::kUnsupportedStanzaType, ""});  // RFC 6120 §4.9.3.24
    return Next::kEnd;
  }
  if (error.code != Errc::kBadRequest && error.code != Errc::kJidMalformed) {
    write_error({StreamCondition::kInvalidFrom, error.detail});
    return Next::kEnd;
  }
  if (managed_) ledger().pass();
  element.set("from", resource_->jid.str());
  if (const xml::Element reply = error_reply(element, error)) deliver(reply.view());
  return Next::kGoOn;
}

void ClientSession::deliver(const Stanza& stanza, std::string_view to) {
  ReceiptPtr receipt = to_answer_for(stanza);
  if (client_state_) {
    // What somebody waits for is not held back, but for what is stored nowhere by rule.
    const bool may_wait = !receipt || (receipt->row().empty() &&
                                       stream::urgency_of(stanza.xml()) == stream::Urgency::kMerge);
    if (may_wait) return send_all(client_state_->on_stanza(stanza.xml(), to), std::move(receipt));
    send_all(client_state_->flush(), nullptr);
  }
  if (transport_) transport_->prefetch();  // while it is written
  std::string& text = scratch();
  xml::WriteOptions options;
  options.to = to;
  xml::write(text, stanza.xml(), options);
  sent(text, std::move(receipt));
}

void ClientSession::deliver(xml::ElementView element) {
  if (client_state_) return send_all(client_state_->on_stanza(element), nullptr);
  std::string& text = scratch();
  xml::write(text, element);
  sent(text, nullptr);
}

void ClientSession::sent(std::string_view text, ReceiptPtr receipt) {
  ++stanzas_out_;
  if (!ended_) write(text);
  if (!managed_) {
    // To have written it is the best that such a stream knows (docs/decisions/0012).
    if (receipt && !ended_) receipt->delivered();
    return;
  }
  if (managed_->sent(text, std::move(receipt))) return;
  end({StreamCondition::kPolicyViolation, "too much waits for your acknowledgement"});
}

bool ClientSession::has_room() const {
  if (ended_ || (managed_ && !managed_->has_room())) return false;
  return transport_->unsent_bytes() < context_->config->limits.output_queue.count / 2;
}

void ClientSession::write(std::string_view bytes) {
  if (negotiation_) {
    behind_answer_ += bytes;
  } else {
    transport_->write(bytes);
  }
}

void ClientSession::close(const StreamError& error) {
  resource_ = nullptr;  // the router's to free
  end(error);
}

void ClientSession::end(const StreamError& error) {
  write_error(error);
  // Wakes the reader, who then ends the session.
  if (transport_) transport_->set_deadline_in(std::chrono::milliseconds(0));
  settled();
}

router::Endpoint::Info ClientSession::info() const {
  return {stream_id_, transport_->peer(), transport_->tls_summary(),
          since_,     stanzas_in_,        stanzas_out_};
}

}  // namespace balcony::server
