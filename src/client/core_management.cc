// Core's part in stream management (XEP-0198): when to ask, what to do after a connection was lost.
#include "client/core.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "xml/writer.h"

namespace balcony::client {
namespace {

// How long after the last stanza the server is asked whether it has it.
constexpr std::chrono::milliseconds kAskWhenQuiet{500};

}  // namespace

Result<> Core::write_stanza(xml::ElementView stanza) {
  std::string text;
  xml::write(text, stanza);
  stream_->write_raw(text);
  if (!management_.is_on() || !stanza_kind(stanza)) return {};
  if (auto kept = management_.sent(stanza, std::move(text), loop().clock().wall()); !kept) {
    stream_->abort(kept.error());
    return kept;
  }
  if (management_.is_time_to_ask()) {
    stream_->write_raw(management_.ask());
  } else {
    ask_soon();
  }
  return {};
}

void Core::ask_soon() {
  if (ask_timer_ != 0) return;
  ask_timer_ = loop().after(kAskWhenQuiet, [weak = weak_from_this()] {
    const auto core = weak.lock();
    if (!core) return;
    core->ask_timer_ = 0;
    if (core->is_connected() && core->management_.has_unasked()) {
      core->stream_->write_raw(core->management_.ask());
    }
  });
}

void Core::hear(Management::Heard heard) {
  if (!heard.reply.empty() && stream_) stream_->write_raw(heard.reply);
  if (heard.error && stream_) stream_->abort(*heard.error);
  for (const std::string& id : heard.acknowledged) {
    if (handlers.acknowledged && !abandoned_) handlers.acknowledged(id);
  }
}

// What the negotiation made of the session: nothing, a new one, or the lost one.
Result<> Core::settle(const stream::ManagementOutcome& outcome) {
  using Kind = stream::ManagementOutcome::Kind;
  resumed_ = outcome.kind == Kind::kResumed;
  if (resumed_) {
    auto heard = management_.resume(outcome.peer_h);
    if (!heard) {
      management_.stop();
      return fail(Errc::kMalformed, heard.error().detail);
    }
    resend_ = std::move(heard->reply);
    heard->reply.clear();
    hear(*std::move(heard));
    return {};
  }
  if (management_.is_on()) unacknowledged_ = management_.give_up(outcome.lost_h);
  if (outcome.kind == Kind::kEnabled) management_.start(outcome.enabled);
  return {};
}

// Connected again. What the server had not acknowledged is sent again: in the same session all of
// it (XEP-0198 §5), in a new one the messages.
void Core::came_back() {
  if (resumed_) {
    stream_->write_raw(std::exchange(resend_, {}));
    if (management_.has_unasked()) ask_soon();
    if (inactive_) (void)set_active(false);  // XEP-0352 §5.3: resumption makes us active
    if (handlers.resume && !abandoned_) handlers.resume();
    return;
  }
  requests_.fail_all(Error(Errc::kClosed, "the connection was lost, and its session too"));
  if (last_presence) (void)send(last_presence);
  if (carbons_) spawn(ask_for_carbons(shared_from_this()));
  for (const xml::Element& stanza : std::exchange(unacknowledged_, {})) {
    if (stanza.name() == "message") (void)send(stanza);
  }
  if (inactive_) (void)set_active(false);
  if (handlers.reconnect && !abandoned_) handlers.reconnect();
}

// There will be no stream any more that could carry them.
void Core::report_undelivered() {
  if (management_.is_on()) unacknowledged_ = management_.give_up({});
  for (const xml::Element& stanza : std::exchange(unacknowledged_, {})) {
    if (handlers.undelivered && !abandoned_) handlers.undelivered(stanza);
  }
}

Result<> Core::set_active(bool active) {
  if (!is_connected()) return fail(Errc::kClosed, "the client is not connected");
  if (!offers_client_state_) {
    return fail(Errc::kFeatureNotImplemented, "the server does not ask for a client's state");
  }
  inactive_ = !active;
  stream_->write(xml::Element("urn:xmpp:csi:0", active ? "active" : "inactive"));  // XEP-0352 §4
  return {};
}

// XEP-0280 §4: of each new session anew.
Task<> Core::ask_for_carbons(std::shared_ptr<Core> core) {
  xml::Element iq(ns::kClient, "iq");
  iq.set("type", "set");
  iq.append(ns::kCarbons, "enable");
  (void)co_await core->request(std::move(iq), std::chrono::milliseconds(0));
}

}  // namespace balcony::client
