// The publish-subscribe service that every account is (XEP-0163 §1): its nodes in a slot of the
// user, who has access by his roster, and where its news go. The user's home shard.
#pragma once

#include "modules/pubsub/service.h"
#include "router/module.h"

#include <memory>

namespace balcony::modules::pep {

// The account's nodes; null when it has none.
pubsub::Nodes* nodes_of(router::User& user);
const pubsub::Nodes* nodes_of(const router::User& user);

// What `who` is to the user (XEP-0060 §4.5).
pubsub::Relation relation_of(const router::User& user, const Jid& who);

// Reads them. One that cannot be read is logged and left out. Errors: those of storage.
Task<Result<>> load_nodes(router::Server& server, std::shared_ptr<router::User> user);

// `limits` live as long as the request that it is made for.
pubsub::ServicePtr account_service(router::Server& server, std::shared_ptr<router::User> user,
                                   const pubsub::ServiceLimits& limits);

}  // namespace balcony::modules::pep
