// Sends presence in a user's name to his contacts: what the modules rfc_6121_presence,
// rfc_6121_subscription and rfc_6121_roster share. The user's home shard only.
#pragma once

#include "router/module.h"

#include <vector>

namespace balcony::modules {

// Sends a copy of `presence` to `to`, unless a handler of PresenceSending objects or `to` is known
// to be offline. `presence` has its 'from'.
void send_presence(router::Server& server, router::User& user, const Stanza& presence,
                   const Jid& to);

// The last presence of a resource (RFC 6121 §4.3.2) as a stanza; nullopt when it has none.
std::optional<Stanza> last_presence(const router::ConnectedResource& resource);

// Sends the current presence of each available resource to `to`. The caller has made sure that it
// may know.
void send_current_presence(router::Server& server, router::User& user, const Jid& to);

// The full JIDs of the resources that are available now.
std::vector<Jid> available_resources(const router::User& user);

// Sends unavailable presence from each of `resources` to `to`.
void send_unavailable(router::Server& server, router::User& user, const std::vector<Jid>& resources,
                      const Jid& to);

// Sends a subscription stanza of `type` to the contact, from the bare JID (RFC 6121 §3.1.2).
void send_subscription(router::Server& server, const router::User& user, const Jid& contact,
                       StanzaType type);

// Ends a subscription that was in `state` in both directions, as the removal of a roster item does
// (RFC 6121 §2.5.2): unsubscribe, unavailable from `resources`, unsubscribed, each where it
// applies.
void send_cancellation(router::Server& server, router::User& user, const Jid& contact,
                       const router::SubscriptionState& state, const std::vector<Jid>& resources);

}  // namespace balcony::modules
