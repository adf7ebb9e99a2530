#include "client/component_core.h"

#include "base/random.h"
#include "client/core.h"
#include "client/dialer.h"
#include "client/privileges.h"
#include "client/received.h"
#include "payload/roster.h"
#include "stanza/ns.h"
#include "stanza/stanza.h"
#include "stanza/stanza_error.h"

#include <algorithm>
#include <utility>

namespace balcony::client {
ComponentCore::ComponentCore(Runtime& runtime, ComponentOptions options_)
    : options(std::move(options_)), runtime_(runtime.impl()) {
  options.domain = options.domain.domain_jid();
}

// ---- the connection's life

Task<Result<>> ComponentCore::connect() {
  if (alive_) co_return fail(Errc::kUsage, "this component is connected already");
  alive_ = true;
  leaving_ = false;
  WaitList<Result<>>::Wait wait(opened_);
  spawn(life(shared_from_this()));
  co_return co_await wait.value;
}

Task<> ComponentCore::life(std::shared_ptr<ComponentCore> core) {
  auto opened = co_await core->open();
  if (!opened) {
    core->alive_ = false;
    core->opened_.happened(opened);
    co_return core->over_.happened(opened.error());
  }
  core->opened_.happened(opened);
  Error why(Errc::kClosed);
  while (true) {
    if (opened) {
      const std::shared_ptr<ComponentStream> stream = core->stream_;
      for (const xml::Element& e : stream->take_early()) core->on_stanza(e);
      why = co_await stream->receive([&](xml::Element e) { core->on_element(e); });
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
    opened = co_await core->open();
    if (opened && core->handlers.reconnect && !core->abandoned_) core->handlers.reconnect();
  }
  core->ended(why);
}

// A server that knows XEP-0114 alone may end the stream when it is asked for acknowledgements, or
// say nothing: then once more, without.
Task<Result<>> ComponentCore::open() {
  using Ask = stream::AskForAcknowledgements;
  auto opened = co_await open_stream(options.acknowledgements ? Ask::kYes : Ask::kNo);
  const bool refused = !opened && stream_ && stream_->was_asking() && !leaving_;
  if (refused) opened = co_await open_stream(Ask::kNo);
  accepted_ = opened.has_value();
  if (!opened) {
    stream_.reset();
    co_return opened;
  }
  if (stream_->acknowledges()) acknowledgements_.start();
  pauses_.succeeded();
  if (options.keep_alive.count() > 0) spawn(keep_alive(shared_from_this(), stream_));
  co_return opened;
}

Task<Result<>> ComponentCore::open_stream(stream::AskForAcknowledgements ask) {
  stream_.reset();
  auto connected = co_await dial(runtime_, options);
  if (!connected) {
    const Error& why = connected.error();
    const bool unreachable = why.code == Errc::kConnect || why.code == Errc::kTimeout;
    if (!unreachable) co_return fail(why);
    co_return fail(why.code, "cannot reach " + options.server + ": " + why.detail);
  }
  if (leaving_) co_return fail(Errc::kCancelled, "the component gave up");
  const auto stream = std::make_shared<ComponentStream>(
      runtime_, std::move(connected->connection), std::string(options.domain.domain()),
      options.secret, ask, options.connect_timeout);
  stream_ = stream;
  auto opened = co_await stream->open();
  if (opened && leaving_) opened = fail(Errc::kCancelled, "the component gave up");
  co_return opened;
}

void ComponentCore::on_lost(const Error& why, bool will_reconnect) {
  accepted_ = false;
  privileges_.clear();
  pauses_.end();
  const Error lost(Errc::kClosed, "the connection was lost: " + why.detail);
  acknowledgements_.stop(lost);
  requests_.fail_all(lost);
  if (handlers.disconnect && !abandoned_ && !leaving_) handlers.disconnect(why, will_reconnect);
}

void ComponentCore::ended(const Error& why) {
  alive_ = false;
  over_.happened(why);
}

Task<> ComponentCore::keep_alive(std::shared_ptr<ComponentCore> core,
                                 std::weak_ptr<ComponentStream> stream) {
  while (true) {
    const bool in_full = co_await core->pauses_.pause(core->options.keep_alive);
    const auto now = stream.lock();
    if (!in_full || !now || now != core->stream_) co_return;
    now->keep_alive();
  }
}

Task<> ComponentCore::disconnect() {
  if (!alive_) co_return;
  leaving_ = true;
  close_stream(kGoodbyeTime);
  WaitList<Error>::Wait wait(over_);
  pauses_.end();
  if (alive_) co_await wait.value;
}

Task<Error> ComponentCore::closed() {
  if (!alive_) co_return Error(Errc::kClosed, "there is no connection");
  WaitList<Error>::Wait wait(over_);
  co_return co_await wait.value;
}

void ComponentCore::abandon() {
  abandoned_ = true;
  leaving_ = true;
  close_stream(std::chrono::seconds(1));
  accepted_ = false;
  const Error over(Errc::kClosed, "the component was ended");
  acknowledgements_.stop(over);
  requests_.fail_all(over);
  pauses_.end();
}

// What was dealt with is told, so that the server gives none of it back to its senders.
void ComponentCore::close_stream(std::chrono::milliseconds within) {
  if (!stream_) return;
  if (acknowledges()) stream_->write_raw(acknowledgements_.answer());
  stream_->close(within);
}

// ---- sending

std::string ComponentCore::new_id() {
  return system_random().token(9);
}

Result<> ComponentCore::send(xml::Element stanza, Acknowledgements::Waiting* who) {
  if (!is_connected()) return fail(Errc::kClosed, "the component is not connected");
  if (!stanza.has_attr("from")) stanza.set("from", options.domain.str());
  BALCONY_ASSIGN(const Jid from, Jid::parse(stanza.attr("from")));
  // XEP-0114 §3: the server would end the stream.
  if (from.domain() != options.domain.domain()) {
    return fail(Errc::kUsage, from.str() + " is not at " + options.domain.str());
  }
  if (!stanza.has_attr("to")) return fail(Errc::kUsage, "a component's stanza needs a 'to'");
  stream_->write(stanza);
  if (!acknowledgements_.is_on() || !stanza_kind(stanza)) return {};
  if (auto counted = acknowledgements_.sent(who); !counted) {
    stream_->close(std::chrono::seconds(1));
    return counted;
  }
  if (acknowledgements_.is_time_to_ask()) ask_soon();
  return {};
}

Task<Result<>> ComponentCore::send_acknowledged(xml::Element stanza,
                                                std::chrono::milliseconds timeout) {
  if (!is_connected()) co_return fail(Errc::kClosed, "the component is not connected");
  if (!acknowledgements_.is_on()) {
    co_return fail(Errc::kFeatureNotImplemented, "this server acknowledges nothing");
  }
  if (!stanza_kind(stanza)) co_return fail(Errc::kUsage, "only stanzas are acknowledged");
  Acknowledgements::Waiting waiting(acknowledgements_, loop(),
                                    timeout.count() > 0 ? timeout : options.request_timeout);
  BALCONY_CO_CHECK(send(std::move(stanza), &waiting));
  co_return co_await waiting.outcome;
}

// One question for all that was sent in this turn.
void ComponentCore::ask_soon() {
  if (std::exchange(asks_soon_, true)) return;
  loop().post([weak = weak_from_this()] {
    const auto core = weak.lock();
    if (!core) return;
    core->asks_soon_ = false;
    if (core->acknowledges()) core->stream_->write_raw(core->acknowledgements_.ask());
  });
}

Task<Result<xml::Element>> ComponentCore::request(xml::Element iq,
                                                  std::chrono::milliseconds timeout) {
  BALCONY_CO_ASSIGN(Jid to, Jid::parse(iq.attr("to")));
  std::string id(iq.attr("id"));
  if (id.empty() || requests_.contains(id)) id = new_id();
  iq.set("id", id);
  RequestTable::Pending pending(requests_, loop(), std::move(id), std::move(to),
                                timeout.count() > 0 ? timeout : options.request_timeout);
  BALCONY_CO_CHECK(send(std::move(iq)));
  co_return co_await pending.answer;
}

// ---- receiving

void ComponentCore::on_element(const xml::Element& element) {
  if (abandoned_) return;
  if (element.ns() == ns::kStreamManagement) return on_acknowledgement(element);
  if (!stanza_kind(element)) return;
  on_stanza(element);
  acknowledgements_.received();
}

void ComponentCore::on_acknowledgement(const xml::Element& element) {
  const auto heard = acknowledgements_.on_element(element);
  // Who waited may have closed the stream.
  if (!stream_) return;
  if (!heard.reply.empty()) stream_->write_raw(heard.reply);
  if (heard.error) stream_->close(std::chrono::seconds(1));
}

void ComponentCore::on_stanza(const xml::Element& element) {
  if (abandoned_) return;
  const auto from = Jid::parse(element.attr("from"));
  if (!from) return;
  if (element.name() == "iq") return on_iq(element, *from);
  if (element.name() == "message") {
    if (on_announcement(element, *from)) return;
    if (handlers.message) {
      handlers.message(read_message(element, *from, Message::Copy::kNone));
    }
    return;
  }
  if (handlers.presence) handlers.presence(read_presence(element, *from));
}

ComponentPrivileges ComponentCore::privileges_at(std::string_view host) const {
  const auto found = privileges_.find(host);
  return found == privileges_.end() ? ComponentPrivileges{} : found->second;
}

// XEP-0356: said by a host; what a user or a resource writes is a message like others.
bool ComponentCore::on_announcement(xml::ElementView message, const Jid& from) {
  if (from.has_local() || from.is_full()) return false;
  const auto privileges = read_privileges(message);
  if (!privileges) return false;
  privileges_[std::string(from.domain())] = *privileges;
  if (handlers.privileges) handlers.privileges(from, *privileges);
  return true;
}

// XEP-0356 §4.4: of a user of a host that lets us read.
std::optional<Result<xml::Element>> ComponentCore::on_roster(const IqRequest& request) {
  const bool is_push = request.payload.is(ns::kRoster, "query") && request.is_set &&
                       request.from.has_local() && request.from.is_bare() &&
                       privileges_at(request.from.domain()).roster_pushes;
  if (!is_push) return std::nullopt;
  const auto items = payload::read_roster(request.payload);
  if (!items || items->size() != 1) return fail(Errc::kBadRequest);
  if (handlers.roster_push) handlers.roster_push(request.from, items->front());
  return xml::Element{};
}

void ComponentCore::on_iq(xml::ElementView iq, const Jid& from) {
  const std::string_view type = iq.attr("type");
  if (type == "result" || type == "error") {
    requests_.answered(iq, options.domain);
    return;
  }
  auto reply = answer(read_request(iq, from));
  // RFC 6120 §8.4: a payload that is not understood.
  if (!reply) reply = fail(Errc::kServiceUnavailable);
  xml::Element stanza =
      *reply ? result_reply(iq, **std::move(reply)) : error_reply(iq, reply->error());
  if (stanza) (void)send(std::move(stanza));
}

std::optional<Result<xml::Element>> ComponentCore::answer(const IqRequest& request) {
  const std::pair name(std::string(request.payload.ns()), std::string(request.payload.name()));
  const auto found = handlers.iq.find(name);
  if (found != handlers.iq.end()) return found->second(request);
  if (auto pushed = on_roster(request)) return pushed;
  // What its other addresses are, and whether they are, only the program knows.
  if (request.to != options.domain) return std::nullopt;
  Self self{options.identity, options.version, {}};
  self.features.insert(options.features.begin(), options.features.end());
  for (const auto& [payload, handler] : handlers.iq) self.features.insert(payload.first);
  return usual_answer(request, self);
}

}  // namespace balcony::client
