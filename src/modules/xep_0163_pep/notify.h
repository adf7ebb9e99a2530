// Whom an account's service tells what (XEP-0163 §4): his own resources and those of contacts that
// want to hear of the node, and who has subscribed to it.
//
// A contact here is told on his home shard, where it is known which of his resources want it; one
// elsewhere by what his presence said. The home shard of the account.
#pragma once

#include "modules/pubsub/service.h"
#include "modules/xep_0163_pep/caps.h"
#include "router/module.h"

#include <memory>

namespace balcony::modules::pep {

// Something has happened at a node of `user`.
void tell(router::Server& server, router::User& user, const pubsub::Notice& notice);

// Why last items are sent (XEP-0060 §16.4.4, send_last_published_item).
enum class Occasion : std::uint8_t { kPresence, kSubscription };

// Sends `to` (usually a full JID) the last items of those of the user's nodes that are `wanted`, as
// far as he may have them (XEP-0163 §4.3.4).
void send_last_items(router::Server& server, const std::shared_ptr<router::User>& user,
                     const Jid& to, const Interest& wanted, Occasion occasion);

// A resource of `user` has come to want something: it is sent the last items of his own nodes and
// of those of his contacts here. Contacts elsewhere are their server's to serve.
void welcome(router::Server& server, const std::shared_ptr<router::User>& user, const Jid& resource,
             const Interest& wanted);
// The same, of one account.
void welcome_from(router::Server& server, const Jid& account, const Jid& resource,
                  const Interest& wanted);

}  // namespace balcony::modules::pep
