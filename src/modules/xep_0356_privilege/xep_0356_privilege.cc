// XEP-0356: Privileged Entity: components that read and change rosters, speak for users and know
// who is there, as far as the configuration says ([component."…".privilege]).
//
// What they may is in router/privileges.h; what the router does of it by itself (announcing, access
// to rosters, passing presence on once) in router/router_trust.cc.
#include "modules/modules.h"
#include "modules/xep_0356_privilege/on_behalf.h"
#include "stanza/ns.h"

#include <algorithm>
#include <utility>

namespace balcony::modules {
namespace {

using router::PresenceAccess;
using router::TrustedComponent;
using router::User;

bool is_privileged(Server& server, const Jid& from) {
  return std::ranges::any_of(server.trusted(), [&from](const auto& component) {
    return component->domain == from && component->privileges.any();
  });
}

// §4.3: a privileged entity that may not see or change rosters is told so, whoever it asks about.
// What it may, the router allows (router_trust.cc); everybody else is answered as always.
bool is_roster_refused(Server& server, const Stanza& stanza) {
  const bool asks = stanza.is_request() && stanza.payload().ns() == ns::kRoster;
  if (!asks || !stanza.to()->has_local() || !is_privileged(server, *stanza.from())) return false;
  const bool is_set = stanza.type() == StanzaType::kSet;
  return std::ranges::none_of(server.trusted(), [&](const auto& component) {
    return component->domain == *stanza.from() &&
           router::includes(component->privileges.roster, is_set);
  });
}

Flow sending(Server& server, router::ComponentSending& event) {
  const Stanza& stanza = event.stanza;
  Result<> outcome;
  const bool to_host = !stanza.to()->has_local() && stanza.to()->is_bare();
  if (stanza.is_message() && !stanza.is_error() && to_host &&
      stanza.xml().child(ns::kPrivilege, "privilege")) {
    outcome = send_on_behalf(server, stanza);
  } else if (stanza.is_request() && stanza.payload().is(ns::kPrivilege, "privileged_iq")) {
    outcome = ask_on_behalf(server, stanza);
  } else if (is_roster_refused(server, stanza)) {
    outcome = fail(Errc::kForbidden, "not this roster");
  } else {
    return Flow::kContinue;
  }
  if (!outcome) event.error = outcome.error();
  return Flow::kStop;
}

// §4.4: from the account, to who may read rosters and wants to know.
void push(Server& server, const router::RosterPushed& event) {
  for (const auto& component : server.trusted()) {
    if (!component->privileges.pushes()) continue;
    Stanza push = event.push.clone();
    push.set_id(server.random().token(9));
    push.set_from(event.user.bare);
    push.set_to(component->domain);
    server.route(std::move(push));
  }
}

// ---- presence: §7

void feed(Server& server, const TrustedComponent& component, User& user, const Stanza& presence) {
  // Who has blocked a component is not there for it (XEP-0191 §3.3).
  router::PresenceSending event{user, component.domain, presence.type()};
  if (server.events().fire(event) == Flow::kStop) return;
  server.feed_presence(component.domain, presence.clone());
}

// §7.1: initial and unavailable presence.
void tell_managed(Server& server, User& user, const Stanza& presence) {
  for (const auto& component : server.trusted()) {
    if (component->privileges.presence == PresenceAccess::kNone) continue;
    feed(server, *component, user, presence);
  }
}

// §7.4: all other presence of somebody whom a user of this host has as a contact. Of our own users
// that is known where they are, so that nobody who is offline is loaded for it.
void tell_watchers(Server& server, router::PresenceOutgoing& event) {
  const bool subsequent =
      event.stanza.type() == StanzaType::kAvailable && !event.stanza.to() && event.sender.available;
  if (!subsequent) return;
  User& user = *event.sender.user;
  const auto& items = user.roster.items();
  const bool watched = std::ranges::any_of(items, [&server](const router::RosterItem& item) {
    return item.state.from && server.is_local(item.jid.domain());
  });
  if (!watched) return;
  for (const auto& component : server.trusted()) {
    if (component->privileges.presence != PresenceAccess::kRoster) continue;
    feed(server, *component, user, event.stanza);
  }
}

// §7.4: presence of contacts from elsewhere.
void tell_of_contact(Server& server, const router::PresenceIncoming& event) {
  const Stanza& presence = event.stanza;
  const bool is_news =
      presence.type() == StanzaType::kAvailable || presence.type() == StanzaType::kUnavailable;
  if (!is_news || server.is_local(presence.from()->domain())) return;
  const router::RosterItem* contact = event.user.roster.find(*presence.from());
  if (!contact || !contact->state.to) return;
  for (const auto& component : server.trusted()) {
    if (component->privileges.presence != PresenceAccess::kRoster) continue;
    // What comes from the component itself it knows.
    if (presence.from()->domain() == component->domain.domain()) continue;
    server.feed_presence(component->domain, presence.clone());
  }
}

void attach_privilege(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kPrivilege);
  on.on<router::ComponentSending>(
      [&server](router::ComponentSending& event) { return sending(server, event); });
  on.on<router::RosterPushed>([&server](router::RosterPushed& event) {
    push(server, event);
    return Flow::kContinue;
  });
  on.on<router::ResourceAvailable>([&server](router::ResourceAvailable& event) {
    tell_managed(server, *event.resource.user, event.presence);
    return Flow::kContinue;
  });
  on.on<router::ResourceUnavailable>([&server](router::ResourceUnavailable& event) {
    tell_managed(server, *event.resource.user, event.presence);
    return Flow::kContinue;
  });
  // Early: rfc_6121_presence stops it.
  on.on<router::PresenceOutgoing>(Priority::kEarly, [&server](router::PresenceOutgoing& event) {
    tell_watchers(server, event);
    return Flow::kContinue;
  });
  on.on<router::PresenceIncoming>(Priority::kEarly, [&server](router::PresenceIncoming& event) {
    tell_of_contact(server, event);
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0356_privilege = router::module<NoOptions>(
    "privilege", {{"XEP-0356", "0.4.1"}},
    "Lets components read rosters, speak for users and see presence, as far as the configuration "
    "allows each of them.",
    {}, attach_privilege);

}  // namespace balcony::modules
