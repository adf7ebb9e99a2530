#include <balcony/component.h>

#include "base/assert.h"
#include "client/component_core.h"
#include "stanza/ns.h"

namespace balcony {
Component::Component(ComponentOptions options)
    : Component(client::runtime_here(), std::move(options)) {}

Component::Component(Runtime& runtime, ComponentOptions options)
    : core_(std::make_shared<client::ComponentCore>(runtime, std::move(options))) {}

Component::~Component() {
  if (core_) core_->abandon();
}

Task<Result<>> Component::connect() {
  return core_->connect();
}

Task<> Component::disconnect() {
  return core_->disconnect();
}

Task<Error> Component::closed() {
  return core_->closed();
}

bool Component::is_connected() const noexcept {
  return core_->is_connected();
}

const Jid& Component::domain() const noexcept {
  return core_->options.domain;
}

Result<> Component::send(xml::Element stanza) {
  return core_->send(std::move(stanza));
}

Task<Result<>> Component::send_acknowledged(xml::Element stanza,
                                            std::chrono::milliseconds timeout) {
  return core_->send_acknowledged(std::move(stanza), timeout);
}

bool Component::acknowledges() const noexcept {
  return core_->acknowledges();
}

Result<std::string> Component::send_message(const Jid& from, const Jid& to, std::string_view body,
                                            std::string_view type) {
  std::string id = client::ComponentCore::new_id();
  xml::Element message(ns::kClient, "message");
  message.set("from", from.str()).set("to", to.str()).set("id", id).set("type", type);
  message.append_text_element("body", body);
  BALCONY_CHECK(core_->send(std::move(message)));
  return id;
}

Result<> Component::send_presence(const Jid& from, const Jid& to, std::string_view type) {
  xml::Element presence(ns::kClient, "presence");
  presence.set("from", from.str()).set("to", to.str());
  if (!type.empty()) presence.set("type", type);
  return core_->send(std::move(presence));
}

Task<Result<xml::Element>> Component::request(xml::Element iq, std::chrono::milliseconds timeout) {
  return core_->request(std::move(iq), timeout);
}

void Component::on_message(std::move_only_function<void(const Message&)> handler) {
  core_->handlers.message = std::move(handler);
}

void Component::on_presence(std::move_only_function<void(const Presence&)> handler) {
  core_->handlers.presence = std::move(handler);
}

void Component::on_iq(std::string ns, std::string name,
                      std::move_only_function<Result<xml::Element>(const IqRequest&)> handler) {
  core_->handlers.iq[{std::move(ns), std::move(name)}] = std::move(handler);
}

void Component::on_reconnect(std::move_only_function<void()> handler) {
  core_->handlers.reconnect = std::move(handler);
}

void Component::on_disconnect(std::move_only_function<void(const Error&, bool)> handler) {
  core_->handlers.disconnect = std::move(handler);
}

}  // namespace balcony
