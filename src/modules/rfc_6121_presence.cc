// RFC 6121 §4: exchanging presence information.
//
// Broadcasts what clients say of themselves to who may see it, asks for and tells presence by
// probes, and remembers who got directed presence, so that he too learns when the resource goes.
#include "base/number.h"
#include "modules/directed_presence.h"
#include "modules/modules.h"
#include "modules/presence_sending.h"
#include "modules/roster_storage.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::RosterItem;
using router::User;

// RFC 6121 §4.7.2.3: an integer between -128 and 127; missing: 0. nullopt when it is neither.
std::optional<std::int8_t> read_priority(xml::ElementView presence) {
  const xml::ElementView element = presence.child(ns::kClient, "priority");
  if (!element) return std::int8_t{0};
  const std::string text = element.text();
  constexpr std::string_view kSpace = " \t\r\n";  // xs:byte collapses white space
  std::string_view number = text;
  number.remove_prefix(std::min(number.find_first_not_of(kSpace), number.size()));
  number = number.substr(0, number.find_last_not_of(kSpace) + 1);
  if (number.starts_with('+')) {
    number.remove_prefix(1);
    if (number.starts_with('-')) return std::nullopt;
  }
  return read_number<std::int8_t>(number);
}

// Contacts with this half of a subscription who may be online. Copies: what is sent to one may come
// back and change the roster.
std::vector<Jid> contacts(const Server& server, const User& user,
                          bool (*wanted)(const router::SubscriptionState&)) {
  std::vector<Jid> all;
  for (const RosterItem& item : user.roster.items()) {
    if (wanted(item.state) && !server.is_offline_here(item.jid)) all.push_back(item.jid);
  }
  return all;
}

// §4.2.2, §4.4.2, §4.5.2: to all contacts with a subscription from this user.
void broadcast(Server& server, User& user, const Stanza& presence) {
  const auto subscribers =
      contacts(server, user, [](const router::SubscriptionState& state) { return state.from; });
  for (const Jid& contact : subscribers) send_presence(server, user, presence, contact);
}

// The same to the user's own available resources, of which the sender is one (§4.2.2).
void tell_own_resources(const User& user, const Stanza& presence) {
  for (const auto& resource : user.resources) {
    if (resource->available) resource->endpoint->deliver(presence, resource->jid.str());
  }
}

// §4.3.1: on behalf of the resource that has become available; the answer goes to it alone.
void probe_contacts(Server& server, User& user, const Jid& from) {
  const auto subscribed =
      contacts(server, user, [](const router::SubscriptionState& state) { return state.to; });
  Stanza probe(StanzaKind::kPresence, StanzaType::kProbe);
  probe.set_from(from);
  for (const Jid& contact : subscribed) send_presence(server, user, probe, contact);
}

// What a probe of the own account would bring: the other resources' presence.
void tell_of_own_resources(const ConnectedResource& newcomer) {
  for (const auto& resource : newcomer.user->resources) {
    if (resource.get() == &newcomer || !resource->available) continue;
    if (const auto presence = last_presence(*resource)) {
      newcomer.endpoint->deliver(*presence, newcomer.jid.str());
    }
  }
}

std::uint64_t next_presence_number(const User& user) {
  std::uint64_t highest = 0;
  for (const auto& resource : user.resources) {
    highest = std::max(highest, resource->presence_number);
  }
  return highest + 1;
}

// Initial (§4.2) and subsequent presence (§4.4).
void become_available(Server& server, ConnectedResource& resource, const Stanza& presence,
                      std::int8_t priority) {
  User& user = *resource.user;
  const bool initial = !resource.available;
  resource.available = true;
  resource.priority = priority;
  resource.presence = xml::to_string(presence.xml());
  resource.presence.shrink_to_fit();
  resource.presence_number = next_presence_number(user);

  broadcast(server, user, presence);
  tell_own_resources(user, presence);
  if (!initial) return;
  tell_of_own_resources(resource);
  probe_contacts(server, user, resource.jid);
  server.events().fire(router::ResourceAvailable{resource, presence});
}

// What is left to do when a resource goes: whom to tell.
struct Departure {
  Jid from;
  bool was_available;
  std::set<Jid> directed;
};

// Forgets the resource's presence. nullopt when there was none and nobody needs to be told.
std::optional<Departure> depart(ConnectedResource& resource) {
  if (!resource.available && resource.directed.empty()) return std::nullopt;
  resource.priority = 0;
  resource.presence = {};
  return Departure{resource.jid, std::exchange(resource.available, false),
                   std::exchange(resource.directed, {})};
}

void tell_departure(Server& server, User& user, const Departure& departure,
                    const Stanza& presence) {
  if (departure.was_available) {
    broadcast(server, user, presence);
    tell_own_resources(user, presence);
  }
  // §4.6.3: and whoever got directed presence, unless the broadcast reached him.
  for (const Jid& to : departure.directed) {
    const RosterItem* item = user.roster.find(to);
    if (departure.was_available && item && item->state.from) continue;
    Stanza copy = presence.clone();
    copy.set_to(to);
    server.route(std::move(copy));
  }
}

// §4.5: by the client's own word.
void become_unavailable(Server& server, ConnectedResource& resource, const Stanza& presence) {
  const auto departure = depart(resource);
  if (!departure) return;
  tell_departure(server, *resource.user, *departure, presence);
  if (!departure->was_available) return;
  // §4.5.2: also to the resource that said so.
  resource.endpoint->deliver(presence, resource.jid.str());
  server.events().fire(router::ResourceUnavailable{resource, presence});
}

// §4.5.2: or because its session ends; then the server says it.
void end_presence(Server& server, ConnectedResource& resource) {
  const auto departure = depart(resource);
  if (!departure) return;
  auto presence = std::make_shared<Stanza>(StanzaKind::kPresence, StanzaType::kUnavailable);
  presence->set_from(resource.jid);
  when_ready(server, *resource.user, [&server, departure = *departure, presence](User& user) {
    tell_departure(server, user, departure, *presence);
  });
  if (departure->was_available) {
    server.events().fire(router::ResourceUnavailable{resource, *presence});
  }
}

void take_presence(Server& server, ConnectedResource& resource, const Stanza& stanza) {
  if (stanza.type() == StanzaType::kUnavailable) {
    return become_unavailable(server, resource, stanza);
  }
  if (stanza.type() != StanzaType::kAvailable) return;
  const auto priority = read_priority(stanza.xml());
  if (!priority) {
    const Error error(Errc::kBadRequest, "the priority is no number between -128 and 127");
    return resource.endpoint->deliver(error_reply(stanza.xml(), error).view());
  }
  become_available(server, resource, stanza, *priority);
}

Flow outgoing(Server& server, router::PresenceOutgoing& event) {
  if (router::is_subscription_type(event.stanza.type())) return Flow::kContinue;
  if (event.stanza.to()) {  // a probe: answered by what the contact's server holds true
    server.route(std::move(event.stanza));
    return Flow::kStop;
  }
  User& user = *event.sender.user;
  if (user.state == User::State::kReady) {
    take_presence(server, event.sender, event.stanza);
    return Flow::kStop;
  }
  const auto taken = std::make_shared<const Stanza>(std::move(event.stanza));
  when_ready(server, user, [&server, jid = event.sender.jid, taken](User& loaded) {
    ConnectedResource* resource = loaded.find(jid.resource());
    if (resource) take_presence(server, *resource, *taken);
  });
  return Flow::kStop;
}

// RFC 6121 §4.3.2.
void answer_probe(Server& server, User& user, const Jid& prober) {
  if (!user.may_see_presence(prober)) {
    return send_subscription(server, user, prober, StanzaType::kUnsubscribed);
  }
  if (user.has_available()) return send_current_presence(server, user, prober);
  send_unavailable(server, user, {user.bare}, prober);
}

Flow incoming(Server& server, router::PresenceIncoming& event) {
  const Stanza& stanza = event.stanza;
  switch (stanza.type()) {
    case StanzaType::kProbe: answer_probe(server, event.user, *stanza.from()); return Flow::kStop;
    case StanzaType::kUnavailable:
    case StanzaType::kError: forget_directed(event.user, stanza); return Flow::kContinue;
    default: return Flow::kContinue;
  }
}

void attach_presence(Registrar& on, Server& server, const NoOptions&) {
  on.on<router::PresenceOutgoing>(
      [&server](router::PresenceOutgoing& e) { return outgoing(server, e); });
  on.on<router::PresenceIncoming>(
      [&server](router::PresenceIncoming& e) { return incoming(server, e); });
  // Late: what another module stops was never sent.
  on.on<router::StanzaOutgoing>(StanzaKind::kPresence, Priority::kLate,
                                [&server](router::StanzaOutgoing& e) {
                                  return track_directed(e, server.limits().directed_max);
                                });
  on.on<router::SessionEnding>([&server](router::SessionEnding& e) {
    end_presence(server, e.resource);
    return Flow::kContinue;
  });
  // Early: while the subscriptions that it goes by are still there.
  on.on<router::AccountRemoving>(Priority::kEarly, [&server](router::AccountRemoving& e) {
    for (const auto& resource : e.user.resources) end_presence(server, *resource);
    return Flow::kContinue;
  });
}

}  // namespace

const ModuleSpec rfc_6121_presence = router::module<NoOptions>(
    "presence", {{"RFC 6121", ""}}, "Tells contacts who is available, and users who of them is.",
    {}, attach_presence);

}  // namespace balcony::modules
