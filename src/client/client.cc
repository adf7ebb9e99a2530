#include <balcony/client.h>

#include "base/assert.h"
#include "client/core.h"
#include "stanza/ns.h"

namespace balcony {

Client::Client(ClientOptions options) : Client(client::runtime_here(), std::move(options)) {}

Client::Client(Runtime& runtime, ClientOptions options)
    : core_(std::make_shared<client::Core>(runtime, std::move(options))) {}

Client::~Client() {
  if (core_) core_->abandon();
}

// ---- the connection

Task<Result<>> Client::connect() {
  return core_->connect(false, {});
}

Task<Result<>> Client::register_account(std::map<std::string, std::string> fields) {
  return core_->connect(true, {fields.begin(), fields.end()});
}

Task<> Client::disconnect() {
  return core_->disconnect();
}

Task<Error> Client::closed() {
  return core_->closed();
}

bool Client::is_connected() const noexcept {
  return core_->is_connected();
}

const Jid& Client::jid() const noexcept {
  return core_->jid();
}

ConnectionSummary Client::connection() const {
  return core_->summary();
}

// ---- stanzas

Result<> Client::send(xml::Element stanza) {
  return core_->send(stanza);
}

Result<> Client::send_raw(std::string_view xml) {
  return core_->send_raw(xml);
}

Result<std::string> Client::send_message(const Jid& to, std::string_view body,
                                         std::string_view type) {
  std::string id = core_->new_id();
  xml::Element message(ns::kClient, "message");
  message.set("to", to.str()).set("id", id).set("type", type);
  message.append_text_element("body", body);
  BALCONY_CHECK(core_->send(message));
  return id;
}

Result<> Client::send_presence(std::string_view show, std::string_view status, int priority) {
  xml::Element presence(ns::kClient, "presence");
  if (!show.empty()) presence.append_text_element("show", show);
  if (!status.empty()) presence.append_text_element("status", status);
  if (priority != 0) presence.append_text_element("priority", std::to_string(priority));
  BALCONY_CHECK(core_->send(presence));
  core_->last_presence = std::move(presence);
  return {};
}

Result<> Client::send_presence_to(const Jid& to, std::string_view type) {
  xml::Element presence(ns::kClient, "presence");
  presence.set("to", to.str());
  if (!type.empty()) presence.set("type", type);
  return core_->send(presence);
}

Task<Result<xml::Element>> Client::request(xml::Element iq, std::chrono::milliseconds timeout) {
  return core_->request(std::move(iq), timeout);
}

Task<Result<xml::Element>> Client::get(std::optional<Jid> to, xml::Element payload) {
  xml::Element iq(ns::kClient, "iq");
  iq.set("type", "get");
  if (to) iq.set("to", to->str());
  iq.append(std::move(payload));
  return core_->request(std::move(iq), {});
}

Task<Result<xml::Element>> Client::set(std::optional<Jid> to, xml::Element payload) {
  xml::Element iq(ns::kClient, "iq");
  iq.set("type", "set");
  if (to) iq.set("to", to->str());
  iq.append(std::move(payload));
  return core_->request(std::move(iq), {});
}

// ---- handlers

void Client::on_message(std::move_only_function<void(const Message&)> handler) {
  core_->handlers.message = std::move(handler);
}

void Client::on_presence(std::move_only_function<void(const Presence&)> handler) {
  core_->handlers.presence = std::move(handler);
}

void Client::on_roster_push(std::move_only_function<void(const RosterItem&)> handler) {
  core_->handlers.roster_push = std::move(handler);
}

void Client::on_iq(std::string ns, std::string name,
                   std::move_only_function<Result<xml::Element>(const IqRequest&)> handler) {
  core_->handlers.iq[{std::move(ns), std::move(name)}] = std::move(handler);
}

void Client::on_element(std::move_only_function<void(xml::ElementView)> handler) {
  core_->handlers.element = std::move(handler);
}

void Client::on_reconnect(std::move_only_function<void()> handler) {
  core_->handlers.reconnect = std::move(handler);
}

void Client::on_resume(std::move_only_function<void()> handler) {
  core_->handlers.resume = std::move(handler);
}

void Client::on_acknowledged(std::move_only_function<void(std::string_view)> handler) {
  core_->handlers.acknowledged = std::move(handler);
}

void Client::on_undelivered(std::move_only_function<void(xml::ElementView)> handler) {
  core_->handlers.undelivered = std::move(handler);
}

void Client::on_token(std::move_only_function<void(const std::optional<LoginToken>&)> handler) {
  core_->handlers.token = std::move(handler);
}

void Client::on_disconnect(std::move_only_function<void(const Error&, bool)> handler) {
  core_->handlers.disconnect = std::move(handler);
}

}  // namespace balcony
