#include "server/client_session.h"

#include "base/base64.h"
#include "base/log.h"
#include "sasl/server.h"
#include "server/accounts.h"
#include "server/client_policy.h"
#include "server/hop.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server {
namespace {

// Serialising goes through one string a thread: the connection copies it into its queue.
std::string& scratch() {
  thread_local std::string text;
  text.clear();
  return text;
}

bool same_scope(const xml::StreamHeader& a, const xml::StreamHeader& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.prefix == y.prefix && x.ns == y.ns;
  };
  return a.content_ns == b.content_ns && a.lang == b.lang &&
         std::ranges::equal(a.declarations, b.declarations, same);
}

// Of a bound stream only the header's scope still counts, and most clients say the same: one header
// for all of them on a thread.
using HeaderPtr = std::shared_ptr<const xml::StreamHeader>;
HeaderPtr shared_header(HeaderPtr header) {
  thread_local HeaderPtr last;
  if (!last || !same_scope(*last, *header)) last = std::move(header);
  return last;
}

}  // namespace

// ---- beginning and end ----

void ClientSession::start(ShardContext& context, ConnectionPtr connection, bool direct_tls) {
  auto* session = new ClientSession(context, std::move(connection), direct_tls);
  spawn(session->run({}));
}

ClientSession::ClientSession(ShardContext& context, ConnectionPtr connection, bool direct_tls)
    : context_(&context),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      splitter_(limits()),
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
  context_->sessions.erase(this);
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
    first = negotiation_->on_tls(transport_->channel_bindings());
  }
  Next next = co_await perform(std::move(first));
  if (next == Next::kGoOn) next = co_await read_loop();
  if (next == Next::kMove) co_return;  // it is another shard's now
  finish();
}

Task<ClientSession::Next> ClientSession::read_loop() {
  while (true) {
    // What was read before a wait comes first.
    while (!pending_.empty()) {
      const std::string bytes = std::exchange(pending_, {});
      const Next next = co_await consume(bytes);
      if (next != Next::kGoOn) co_return next;
    }
    if (auto ready = co_await transport_->readable(); !ready) {
      co_return stream_failed(ready.error());
    }
    if (ended_) co_return Next::kEnd;
    while (true) {
      auto bytes = transport_->read();
      if (!bytes) co_return stream_failed(bytes.error());
      if (bytes->empty()) break;
      const Next next = co_await consume(*bytes);
      if (next != Next::kGoOn) co_return next;
      if (!pending_.empty()) break;
    }
  }
}

// Everything that one read brought. What is left when something must wait goes to pending_: the
// buffer is everybody's.
Task<ClientSession::Next> ClientSession::consume(std::string_view bytes) {
  if (at_restart_) {
    // COMPAT(go-xmpp, 2022): a line feed behind the last element of the old stream; in front of the
    // new one's XML declaration it would be an error (XML 1.0 §2.8).
    bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
    if (bytes.empty()) co_return Next::kGoOn;
    at_restart_ = false;
  }
  splitter_.feed(bytes);
  while (true) {
    auto event = splitter_.next();
    if (!event) {
      log_debug("stream refused", {{"stream", stream_id_}, {"error", event.error().to_string()}});
      write_error(to_stream_error(event.error()));
      co_return Next::kEnd;
    }
    if (event->kind == xml::SplitKind::kNeedMore) co_return Next::kGoOn;
    if (event->kind == xml::SplitKind::kWhitespace) continue;
    Next next = Next::kGoOn;
    if (resource_ && event->kind == xml::SplitKind::kStanza) {
      // The hot path: no coroutine of its own unless the stanza waits for something.
      std::optional<Task<>> waits;
      next = receive(event->bytes, waits);
      if (next != Next::kGoOn || ended_) co_return Next::kEnd;
      if (!waits) continue;
      keep_rest();
      co_await std::move(*waits);
      co_return ended_ ? Next::kEnd : Next::kGoOn;
    }
    next = co_await negotiate(*event);
    if (next != Next::kGoOn) co_return next;
    if (!pending_.empty()) co_return Next::kGoOn;
  }
}

void ClientSession::keep_rest() {
  pending_ = splitter_.rest();
  splitter_.drop_rest();
}

ClientSession::Next ClientSession::stream_failed(const Error& error) {
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
  if (resource_) context_->router->unbind(*std::exchange(resource_, nullptr));
  if (account_) {
    log_info("session ended", {{"stream", stream_id_}, {"jid", account_->str()}});
  }
  session::Transport::close_in_background(std::move(transport_));
  delete this;
}

// ---- negotiation ----

Task<ClientSession::Next> ClientSession::negotiate(xml::SplitEvent event) {
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
  keep_rest();
  co_return co_await perform(std::move(actions));
}

// Actions whose answers come later give new actions: a queue, not recursion.
Task<ClientSession::Next> ClientSession::perform(stream::Actions actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    stream::Action action = std::move(actions[i]);
    stream::Actions more;
    if (auto* send = std::get_if<stream::Send>(&action)) {
      transport_->write(send->bytes);
    } else if (std::holds_alternative<stream::RestartStream>(action)) {
      splitter_.reset();
      at_restart_ = true;
      splitter_.set_limits(limits());
    } else if (std::holds_alternative<stream::UpgradeTls>(action)) {
      if (auto tls = co_await upgrade_tls(); !tls) co_return Next::kEnd;
      more = negotiation_->on_tls(transport_->channel_bindings());
    } else if (auto* what = std::get_if<stream::LookUp>(&action)) {
      more = co_await look_up(std::move(*what));
    } else if (auto* password = std::get_if<stream::VerifyPassword>(&action)) {
      more = co_await verify(std::move(*password));
    } else if (auto* home = std::get_if<stream::ComeHome>(&action)) {
      if (come_home(*home) == Next::kMove) co_return Next::kMove;
      more = now_home();
    } else if (auto* failed = std::get_if<stream::AttemptFailed>(&action)) {
      co_await attempt_failed(std::move(*failed));
    } else if (auto* wanted = std::get_if<stream::BindResource>(&action)) {
      more = co_await bind(std::move(*wanted));
    } else if (auto* request = std::get_if<stream::RegisterRequest>(&action)) {
      co_await answer_registration(std::move(request->iq));
    } else if (auto* end = std::get_if<stream::EndStream>(&action)) {
      if (end->error) {
        log_info("stream ended", {{"stream", stream_id_},
                                  {"peer", transport_->peer()},
                                  {"condition", to_string(end->error->condition)},
                                  {"text", end->error->text}});
      }
      ended_ = true;
      co_return Next::kEnd;
    }
    actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
    if (ended_) co_return Next::kEnd;
  }
  // Nothing of the negotiation stays in memory once it is over (ARCHITECTURE.md, idea 4).
  if (resource_ && negotiation_) {
    negotiation_.reset();
    header_ = shared_header(std::move(header_));
  }
  co_return Next::kGoOn;
}

Task<Result<>> ClientSession::upgrade_tls() {
  std::string hint = negotiation_->domain();
  std::string leftover = std::exchange(pending_, {});
  // COMPAT(go-xmpp, 2022): <starttls/> with a line feed behind it. White space between elements
  // means nothing (RFC 6120 §11.7) and is dropped here; anything else is an injection.
  if (leftover.find_first_not_of(" \t\r\n") == std::string::npos) leftover.clear();
  auto upgraded = co_await transport_->start_tls_server(*context_->shared.tls, std::move(hint),
                                                        std::move(leftover));
  if (!upgraded) {
    log_info("TLS failed", {{"stream", stream_id_},
                            {"peer", transport_->peer()},
                            {"error", upgraded.error().to_string()}});
    ended_ = true;
  }
  co_return upgraded;
}

Task<stream::Actions> ClientSession::look_up(stream::LookUp what) {
  auto account = Jid::make(what.username, negotiation_->domain());
  if (!account) co_return negotiation_->on_credentials(std::optional<sasl::ScramKeys>{});
  auto keys = co_await context_->accounts->keys(*account, what.hash);
  co_return negotiation_->on_credentials(std::move(keys));
}

Task<stream::Actions> ClientSession::verify(stream::VerifyPassword what) {
  auto account = Jid::make(what.username, negotiation_->domain());
  if (!account) co_return negotiation_->on_verified(false);
  auto matches = co_await context_->accounts->verify(*account, std::move(what.password));
  co_return negotiation_->on_verified(std::move(matches));
}

Task<> ClientSession::attempt_failed(stream::AttemptFailed what) {
  log_info("login failed", {{"stream", stream_id_},
                            {"peer", transport_->peer()},
                            {"host", negotiation_->domain()},
                            {"user", what.username},
                            {"mechanism", what.mechanism},
                            {"error", what.error.to_string()}});
  if (what.error.code != Errc::kSaslNotAuthorized) co_return;
  if (auto account = Jid::make(what.username, negotiation_->domain())) {
    context_->accounts->attempt_failed(*account);
  }
  const Instant now = context_->shard.clock().now();
  const std::string address = transport_->peer_address();
  context_->by_address.failed(address, now);
  // docs/security.md: slowed by address too. The answer is out; it is the next try that waits.
  const auto delay = context_->by_address.delay(address, now);
  if (delay.count() > 0) co_await delay_for(context_->shard, delay);
}

// ---- coming home and binding ----

ClientSession::Next ClientSession::come_home(const stream::ComeHome& what) {
  const std::size_t shards = context_->shared.contexts.size();
  const std::string& domain = negotiation_->domain();
  auto account = Jid::make(what.username, domain);
  if (what.anonymous) {
    // decision 0010: anonymous names are chosen to be at home where the connection is.
    do {
      account = Jid::make("anonymous-" + hex_encode(system_random().token(9)), domain);
    } while (router::home_shard(account->bare_str(), shards) != context_->shard.index());
  }
  if (!account) return Next::kGoOn;
  account_ = *std::move(account);
  const std::size_t home = router::home_shard(account_->bare_str(), shards);
  if (home == context_->shard.index()) return Next::kGoOn;
  move_to(*context_->shared.contexts[home]);
  return Next::kMove;
}

void ClientSession::move_to(ShardContext& home) {
  auto detached = std::make_shared<Detached>(transport_->release());
  transport_.reset();
  context_->sessions.erase(this);
  home.shard.post([this, &home, detached] {
    context_ = &home;
    transport_ = std::make_unique<session::TcpTransport>(
        Connection::adopt(home.shard, std::move(*detached)));
    negotiation_->set_policy(*home.policy);
    home.sessions.insert(this);
    spawn(run(now_home()));
  });
}

stream::Actions ClientSession::now_home() {
  if (!account_) return negotiation_->on_home(fail(Errc::kSaslTemporaryAuthFailure));
  transport_->leave_address_limit();
  context_->by_address.succeeded(transport_->peer_address());
  context_->accounts->attempt_succeeded(*account_);
  log_info("logged in", {{"stream", stream_id_},
                         {"jid", account_->str()},
                         {"mechanism", negotiation_->mechanism()},
                         {"tls", transport_->tls_summary()},
                         {"peer", transport_->peer()}});
  return negotiation_->on_home(*account_);
}

Task<stream::Actions> ClientSession::bind(stream::BindResource what) {
  auto bound = co_await context_->router->bind(*account_, std::move(what.wanted), *this);
  if (!bound) co_return negotiation_->on_bound(fail(bound.error()));
  if (context_->shared.stopping) {
    context_->router->unbind(**bound);
    co_return negotiation_->end({StreamCondition::kSystemShutdown, ""});
  }
  resource_ = *bound;
  account_ = resource_->jid;
  transport_->clear_deadline();
  const LimitsConfig& config = context_->config->limits;
  transport_->set_rate(static_cast<std::uint32_t>(config.rate.count),
                       static_cast<std::uint32_t>(config.rate_burst.count));
  splitter_.set_limits(limits());
  log_info("session bound", {{"stream", stream_id_}, {"jid", resource_->jid.str()}});
  co_return negotiation_->on_bound(resource_->jid);
}

Task<> ClientSession::answer_registration(xml::Element iq) {
  const xml::Element answer = co_await context_->router->stranger(
      negotiation_->domain(), std::move(iq), transport_->peer_address());
  if (!answer) co_return;
  std::string& text = scratch();
  xml::write(text, answer);
  transport_->write(text);
}

// ---- bound: stanzas in and out ----

ClientSession::Next ClientSession::receive(std::string_view bytes, std::optional<Task<>>& waits) {
  auto element = xml::parse(bytes, xml::scope_of(*header_), limits());
  if (!element) return stream_failed(element.error());
  auto stanza = Stanza::make(*element);
  if (!stanza) return refuse(*element, stanza.error());
  // RFC 6120 §8.1.2.1: a 'from' that is neither the full nor the bare JID of the session.
  if (stanza->from() && *stanza->from() != resource_->jid &&
      *stanza->from() != resource_->user->bare) {
    write_error({StreamCondition::kInvalidFrom, ""});
    return Next::kEnd;
  }
  ++stanzas_in_;
  waits = context_->router->receive(*resource_, *std::move(stanza));
  return Next::kGoOn;
}

ClientSession::Next ClientSession::refuse(xml::Element& element, const Error& error) {
  if (element.is(ns::kStream, "error")) {
    if (!std::exchange(ended_, true)) transport_->write("</stream:stream>");
    return Next::kEnd;
  }
  if (error.code == Errc::kUndefinedCondition) {
    write_error({StreamCondition::kUnsupportedStanzaType, ""});  // RFC 6120 §4.9.3.24
    return Next::kEnd;
  }
  if (error.code != Errc::kBadRequest && error.code != Errc::kJidMalformed) {
    write_error({StreamCondition::kInvalidFrom, error.detail});
    return Next::kEnd;
  }
  element.set("from", resource_->jid.str());
  if (const xml::Element reply = error_reply(element, error)) deliver(reply.view());
  return Next::kGoOn;
}

void ClientSession::deliver(const Stanza& stanza, std::string_view to) {
  std::string& text = scratch();
  xml::WriteOptions options;
  options.to = to;
  xml::write(text, stanza.xml(), options);
  ++stanzas_out_;
  transport_->write(text);
}

void ClientSession::deliver(xml::ElementView element) {
  std::string& text = scratch();
  xml::write(text, element);
  ++stanzas_out_;
  transport_->write(text);
}

void ClientSession::close(const StreamError& error) {
  resource_ = nullptr;  // the router's to free
  end(error);
}

void ClientSession::end(const StreamError& error) {
  write_error(error);
  // Wakes the reader, who then ends the session.
  if (transport_) transport_->set_deadline_in(std::chrono::milliseconds(0));
}

router::Endpoint::Info ClientSession::info() const {
  return {stream_id_, transport_->peer(), transport_->tls_summary(),
          since_,     stanzas_in_,        stanzas_out_};
}

}  // namespace balcony::server
