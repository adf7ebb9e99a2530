// Who may do what with a node (XEP-0060 §4.1, §4.5): the rules, without whose service it is. Pure;
// any thread.
#pragma once

#include "modules/pubsub/node.h"
#include "router/iq.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace balcony::modules::pubsub {

// What somebody is to the owner of a service.
struct Relation {
  enum class Kind : std::uint8_t {
    kOwner,
    kSubscribed,  // to the owner's presence
    kKnown,       // knows that the owner exists: he is in the owner's roster, or was asked
    kStranger,    // must not learn from us that the owner exists
  };
  Kind kind = Kind::kStranger;
  std::vector<std::string_view> groups = {};  // of the owner's roster that he is in
};

// Whether he may read the node's items and be notified (§4.5). The owner always may.
bool may_read(const NodeConfig& config, const Relation& relation);

// What he is told who may not (§6.5.9, §6.1.3). A stranger gets what an account that does not exist
// gives (RFC 6121 §8.5.1).
router::IqAnswer denial(const NodeConfig& config, const Relation& relation);

// The answer to somebody who wants what only the owner may; nothing for the owner.
std::optional<router::IqAnswer> owner_only(const Relation& relation);

// There is no such node (§6.5.9.11 and others).
router::IqAnswer no_such_node(const Relation& relation);

}  // namespace balcony::modules::pubsub
