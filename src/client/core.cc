#include "client/core.h"

#include "base/log.h"
#include "base/random.h"
#include "client/dialer.h"
#include "net/certificate.h"
#include "stanza/ns.h"

#include <algorithm>

namespace balcony::client {
namespace {

Error explained(const Error& error, const ClientOptions& options) {
  if (error.code == Errc::kTls && error.detail.find("certificate") != std::string::npos) {
    return Error(error.code, error.detail + "; a private authority is named as the CA file");
  }
  if (error.code == Errc::kConnect || error.code == Errc::kTimeout) {
    const std::string where =
        options.server.empty() ? std::string(options.jid.domain()) : options.server;
    return Error(error.code, "cannot reach " + where + ": " + error.detail);
  }
  return error;
}

// Of the login itself (RFC 6120 §6.5).
bool is_verdict(const Error& error) {
  return error.code >= Errc::kSaslAborted && error.code <= Errc::kSaslTemporaryAuthFailure;
}

}  // namespace

bool is_passing(const Error& error) noexcept {
  switch (error.code) {
    case Errc::kTimeout:
    case Errc::kClosed:
    case Errc::kConnect:
    case Errc::kIo:
    case Errc::kInternalServerError:
    case Errc::kResourceConstraint:
    case Errc::kSaslTemporaryAuthFailure: return true;
    default: return false;
  }
}

Core::Core(Runtime& runtime, ClientOptions options_)
    : options(std::move(options_)), runtime_(runtime.impl()), jid_(options.jid) {}

// ---- the connection's life

Task<Result<>> Core::connect(bool register_first, stream::RegistrationFields fields) {
  if (alive_) co_return fail(Errc::kUsage, "this client is connected already");
  alive_ = true;
  leaving_ = false;
  WaitList<Result<>>::Wait wait(opened_);
  spawn(life(shared_from_this(), register_first, std::move(fields)));
  co_return co_await wait.value;
}

Task<> Core::life(std::shared_ptr<Core> core, bool register_first,
                  stream::RegistrationFields fields) {
  auto opened = co_await core->open(register_first, std::move(fields));
  if (!opened) {
    core->alive_ = false;
    core->opened_.happened(opened);
    co_return core->over_.happened(opened.error());
  }
  core->opened_.happened(opened);
  Error why(Errc::kClosed);
  while (true) {
    if (opened) {
      const std::shared_ptr<Stream> stream = core->stream_;
      for (const xml::Element& stanza : std::exchange(core->early_, {})) core->on_stanza(stanza);
      why = co_await stream->receive([&](xml::Element e) { core->on_element(std::move(e)); });
      core->stream_.reset();
    } else {
      why = opened.error();
    }
    const bool again = core->options.reconnect && !core->leaving_ && is_passing(why);
    if (opened || !again) core->on_lost(why, again);
    if (!again) break;
    const bool goes_on = co_await core->pauses_.before_next_attempt(
        core->options.reconnect_first, core->options.reconnect_longest);
    if (!goes_on) break;
    opened = co_await core->open(false, stream::RegistrationFields());
    if (opened) core->came_back();
  }
  core->ended(why);
}

Task<Result<>> Core::open(bool register_first, stream::RegistrationFields fields) {
  auto connected = co_await reach();
  if (!connected) co_return fail(explained(connected.error(), options));
  if (leaving_) co_return fail(Errc::kCancelled, "the client gave up");
  const bool direct = connected->endpoint.direct_tls;
  StreamOptions stream_options(negotiation(direct));
  stream_options.negotiation.register_first = register_first;
  stream_options.negotiation.registration_fields = std::move(fields);
  if (options.tls != ClientOptions::Tls::kNone) {
    BALCONY_CO_ASSIGN(stream_options.tls, tls_context(direct));
    stream_options.negotiation.certificate_addresses = certificate_addresses_;
  }
  BALCONY_CO_ASSIGN(stream_options.tls_name, network_name(options.jid));
  stream_options.tls_verified = options.verify_certificate;
  stream_options.within = options.connect_timeout;
  const auto stream = std::make_shared<Stream>(runtime_, std::move(connected->connection),
                                               std::move(stream_options));
  stream_ = stream;
  auto bound = co_await stream->open();
  if (stream->token_refused()) {
    keep_token(std::nullopt);
    // The server did not even know what it was: then there was no attempt with the password yet.
    if (!bound && !is_verdict(bound.error()) && !leaving_) {
      stream_.reset();
      co_return co_await open(register_first, stream::RegistrationFields());
    }
  }
  if (bound && leaving_) bound = fail(Errc::kCancelled, "the client gave up");
  Result<> settled = bound ? on_bound(*std::move(bound)) : fail(explained(bound.error(), options));
  if (!settled) {
    bound_ = false;
    stream_.reset();
  }
  co_return settled;
}

// Where the server would have us resume, and failing that, where it is found (XEP-0198 §5).
Task<Result<Connected>> Core::reach() {
  if (management_.lost(jid_) && !management_.location().empty()) {
    ClientOptions there = options;
    there.server = management_.location();
    auto connected = co_await dial(runtime_, there);
    if (connected) co_return connected;
  }
  co_return co_await dial(runtime_, options);
}

stream::InitiatingOptions Core::negotiation(bool direct) const {
  stream::InitiatingOptions negotiation(options.jid);
  negotiation.password = options.password;
  negotiation.keys = keys_;
  negotiation.anonymous = options.anonymous;
  negotiation.lang = options.lang;
  negotiation.pinned_mechanism = pinned_;
  negotiation.tls = direct ? stream::TlsPolicy::kDirect : stream::TlsPolicy::kRequired;
  if (options.tls == ClientOptions::Tls::kNone) negotiation.tls = stream::TlsPolicy::kPlaintext;
  negotiation.management.enable = options.stream_management;
  // A session that nobody will come back for is not to be kept.
  negotiation.management.resumable = options.reconnect;
  negotiation.management.lost = management_.lost(jid_);
  negotiation.sasl2.use = options.sasl2;
  negotiation.sasl2.user_agent = {options.user_agent_id, options.version.name, ""};
  negotiation.sasl2.bind = options.reads_archive;
  negotiation.sasl2.tag = options.resource_tag;
  negotiation.sasl2.want_token = options.want_token;
  if (options.token) {
    negotiation.sasl2.token =
        stream::LoginToken{options.token->mechanism, options.token->token, options.token->expiry};
  }
  return negotiation;
}

// XEP-0484: what the next login is made with; null: the password alone.
void Core::keep_token(std::optional<LoginToken> token) {
  options.token = std::move(token);
  if (handlers.token && !abandoned_) handlers.token(options.token);
}

Result<std::shared_ptr<const TlsClientContext>> Core::tls_context(bool direct) {
  auto& kept = direct ? direct_tls_ : tls_;
  if (kept) return kept;
  TlsClientOptions tls;
  tls.ca_file = options.ca_file;
  tls.pinned_sha256 = options.pinned_sha256;
  if (!options.certificate_file.empty()) {
    BALCONY_ASSIGN(TlsHost own, load_tls_host({}, options.certificate_file, options.key_file));
    BALCONY_ASSIGN(const Certificate certificate, read_certificate_pem(own.chain_pem));
    certificate_addresses_ = certificate.names.xmpp.size();
    tls.certificate_pem = std::move(own.chain_pem);
    tls.key_pem = std::move(own.key_pem);
  }
  if (!options.verify_certificate) tls.verify = TlsVerify::kReport;
  if (direct) tls.alpn = {"xmpp-client"};  // XEP-0368 §3
  BALCONY_ASSIGN(kept, TlsClientContext::create(std::move(tls)));
  return kept;
}

Result<> Core::on_bound(stream::Bound bound) {
  bound_ = true;
  offers_client_state_ = static_cast<bool>(bound.features.child("urn:xmpp:csi:0", "csi"));
  early_ = std::move(bound.early);
  BALCONY_CHECK(settle(bound.management));
  jid_ = std::move(bound.jid);
  mechanism_ = std::move(bound.mechanism);
  // A login by token says nothing of passwords.
  if (!mechanism_.starts_with("HT-")) {
    keys_ = std::move(bound.keys);
    pinned_ = mechanism_;
  }
  if (bound.token) {
    keep_token(LoginToken{bound.token->mechanism, bound.token->token, bound.token->expiry});
  }
  pauses_.succeeded();
  log_debug("bound", {{"jid", jid_.str()}, {"mechanism", mechanism_}});
  if (options.keep_alive.count() > 0) spawn(keep_alive(shared_from_this(), stream_));
  return {};
}

void Core::on_lost(const Error& why, bool will_reconnect) {
  bound_ = false;
  pauses_.end();
  // A session that can be resumed still brings the answers.
  if (!will_reconnect || !management_.lost(jid_)) {
    requests_.fail_all(Error(Errc::kClosed, "the connection was lost: " + why.detail));
  }
  if (handlers.disconnect && !abandoned_ && !leaving_) handlers.disconnect(why, will_reconnect);
}

void Core::ended(const Error& why) {
  alive_ = false;
  requests_.fail_all(Error(Errc::kClosed, "the connection was lost: " + why.detail));
  report_undelivered();
  over_.happened(why);
}

Task<> Core::keep_alive(std::shared_ptr<Core> core, std::shared_ptr<Stream> stream) {
  const std::weak_ptr<Stream> watched = stream;
  stream.reset();
  std::uint64_t seen = 0;
  while (true) {
    const bool in_full = co_await core->pauses_.pause(core->options.keep_alive);
    auto now = watched.lock();
    if (!in_full || !now || now != core->stream_) co_return;
    if (std::exchange(seen, now->bytes_in()) != now->bytes_in()) continue;
    xml::Element iq(ns::kClient, "iq");
    iq.set("type", "get").set("to", core->jid_.domain());
    iq.append(ns::kPing, "ping");
    now.reset();
    const auto answer = co_await core->request(std::move(iq), std::chrono::milliseconds(0));
    now = watched.lock();
    // An error is a sign of life too. The answer may also have come through a later stream.
    if (!now || now != core->stream_) co_return;
    if (!answer && answer.error().code == Errc::kTimeout) {
      co_return now->abort(Error(Errc::kTimeout, "the server does not answer any more"));
    }
  }
}

Task<> Core::disconnect() {
  if (!alive_) co_return;
  leaving_ = true;
  if (stream_) say_goodbye(kGoodbyeTime);
  WaitList<Error>::Wait wait(over_);
  pauses_.end();
  if (alive_) co_await wait.value;
}

Task<Error> Core::closed() {
  if (!alive_) co_return Error(Errc::kClosed, "there is no connection");
  WaitList<Error>::Wait wait(over_);
  co_return co_await wait.value;
}

void Core::say_goodbye(std::chrono::milliseconds within) {
  // XEP-0198 §4: what we have need not be kept for us, and what the server has is good to know.
  if (management_.is_on() && bound_) {
    stream_->write_raw(management_.answer() + management_.ask());
  }
  stream_->close(within);
}

void Core::abandon() {
  abandoned_ = true;
  leaving_ = true;
  loop().cancel(std::exchange(ask_timer_, 0));
  if (stream_) say_goodbye(std::chrono::seconds(1));
  bound_ = false;
  requests_.fail_all(Error(Errc::kClosed, "the client was ended"));
  pauses_.end();
}

// ---- sending

std::string Core::new_id() {
  return system_random().token(9);
}

Result<> Core::send(xml::ElementView stanza) {
  if (!is_connected()) return fail(Errc::kClosed, "the client is not connected");
  return write_stanza(stanza);
}

Result<> Core::send_raw(std::string_view bytes) {
  if (!is_connected()) return fail(Errc::kClosed, "the client is not connected");
  // What goes by uncounted makes the server's count another than ours.
  management_.distrust();
  stream_->write_raw(bytes);
  return {};
}

Task<Result<xml::Element>> Core::request(xml::Element iq, std::chrono::milliseconds timeout) {
  if (!is_connected()) co_return fail(Errc::kClosed, "the client is not connected");
  std::optional<Jid> to;
  if (iq.has_attr("to")) {
    BALCONY_CO_ASSIGN(to, Jid::parse(iq.attr("to")));
  }
  std::string id(iq.attr("id"));
  if (id.empty() || requests_.contains(id)) id = new_id();
  iq.set("id", id);
  RequestTable::Pending pending(requests_, loop(), std::move(id), std::move(to),
                                timeout.count() > 0 ? timeout : options.request_timeout);
  BALCONY_CO_CHECK(write_stanza(iq));
  co_return co_await pending.answer;
}

ConnectionSummary Core::summary() const {
  if (!stream_) return {};
  return {stream_->peer(), stream_->tls_summary(), mechanism_};
}

}  // namespace balcony::client
