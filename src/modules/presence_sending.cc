#include "modules/presence_sending.h"

#include "xml/parser.h"

#include <utility>

namespace balcony::modules {

using router::ConnectedResource;
using router::Flow;
using router::Server;
using router::User;

namespace {

bool may_send(Server& server, User& user, const Jid& to, StanzaType type) {
  if (server.is_offline_here(to)) return false;
  return server.events().fire(router::PresenceSending{user, to, type}) != Flow::kStop;
}

}  // namespace

void send_presence(Server& server, User& user, const Stanza& presence, const Jid& to) {
  if (!may_send(server, user, to, presence.type())) return;
  Stanza copy = presence.clone();
  copy.set_to(to);
  server.route(std::move(copy));
}

std::optional<Stanza> last_presence(const ConnectedResource& resource) {
  if (resource.presence.empty()) return std::nullopt;
  auto element = xml::parse(resource.presence);
  if (!element) return std::nullopt;
  auto stanza = Stanza::make(*element);
  if (!stanza) return std::nullopt;
  return *std::move(stanza);
}

void send_current_presence(Server& server, User& user, const Jid& to) {
  if (!may_send(server, user, to, StanzaType::kAvailable)) return;
  std::vector<Stanza> all;  // first collected: what is sent may change the resources
  for (const auto& resource : user.resources) {
    if (!resource->available) continue;
    if (auto presence = last_presence(*resource)) all.push_back(*std::move(presence));
  }
  for (Stanza& presence : all) {
    presence.set_to(to);
    server.route(std::move(presence));
  }
}

std::vector<Jid> available_resources(const User& user) {
  std::vector<Jid> all;
  for (const auto& resource : user.resources) {
    if (resource->available) all.push_back(resource->jid);
  }
  return all;
}

void send_unavailable(Server& server, User& user, const std::vector<Jid>& resources,
                      const Jid& to) {
  for (const Jid& from : resources) {
    Stanza presence(StanzaKind::kPresence, StanzaType::kUnavailable);
    presence.set_from(from);
    send_presence(server, user, presence, to);
  }
}

void send_subscription(Server& server, const User& user, const Jid& contact, StanzaType type) {
  Stanza presence(StanzaKind::kPresence, type);
  presence.set_from(user.bare);
  presence.set_to(contact.bare());
  server.route(std::move(presence));
}

void send_cancellation(Server& server, User& user, const Jid& contact,
                       const router::SubscriptionState& state, const std::vector<Jid>& resources) {
  if (state.to || state.pending_out) {
    send_subscription(server, user, contact, StanzaType::kUnsubscribe);
  }
  if (state.from) send_unavailable(server, user, resources, contact);
  if (state.from || state.pending_in) {
    send_subscription(server, user, contact, StanzaType::kUnsubscribed);
  }
}

}  // namespace balcony::modules
