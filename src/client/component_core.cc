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

Task<Result<>> ComponentCore::open() {
  auto connected = co_await dial(runtime_, options);
  if (!connected) {
    const Error& why = connected.error();
    const bool unreachable = why.code == Errc::kConnect || why.code == Errc::kTimeout;
    if (!unreachable) co_return fail(why);
    co_return fail(why.code, "cannot reach " + options.server + ": " + why.detail);
  }
  if (leaving_) co_return fail(Errc::kCancelled, "the component gave up");
  const auto stream = std::make_shared<ComponentStream>(runtime_, std::move(connected->connection),
                                                        std::string(options.domain.domain()),
                                                        options.secret, options.connect_timeout);
  stream_ = stream;
  auto opened = co_await stream->open();
  if (opened && leaving_) opened = fail(Errc::kCancelled, "the component gave up");
  accepted_ = opened.has_value();
  if (!opened) {
    stream_.reset();
    co_return opened;
  }
  pauses_.succeeded();
  if (options.keep_alive.count() > 0) spawn(keep_alive(shared_from_this(), stream));
  co_return opened;
}

void ComponentCore::on_lost(const Error& why, bool will_reconnect) {
  accepted_ = false;
  privileges_.clear();
  pauses_.end();
  requests_.fail_all(Error(Errc::kClosed, "the connection was lost: " + why.detail));
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
  if (stream_) stream_->close(kGoodbyeTime);
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
  if (stream_) stream_->close(std::chrono::seconds(1));
  accepted_ = false;
  requests_.fail_all(Error(Errc::kClosed, "the component was ended"));
  pauses_.end();
}

// ---- sending

std::string ComponentCore::new_id() {
  return system_random().token(9);
}

Result<> ComponentCore::send(xml::Element stanza) {
  if (!is_connected()) return fail(Errc::kClosed, "the component is not connected");
  if (!stanza.has_attr("from")) stanza.set("from", options.domain.str());
  BALCONY_ASSIGN(const Jid from, Jid::parse(stanza.attr("from")));
  // XEP-0114 §3: the server would end the stream.
  if (from.domain() != options.domain.domain()) {
    return fail(Errc::kUsage, from.str() + " is not at " + options.domain.str());
  }
  if (!stanza.has_attr("to")) return fail(Errc::kUsage, "a component's stanza needs a 'to'");
  stream_->write(stanza);
  return {};
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
  if (abandoned_ || !stanza_kind(element)) return;
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
