// Directed presence (RFC 6121 §4.6): who got it from a resource, so that he can be told when the
// resource goes. For the module rfc_6121_presence; the user's home shard only.
#pragma once

#include "router/events.h"

#include <cstddef>

namespace balcony::modules {

// Of an event about presence: notes whom a client sends it to. Stops with kResourceConstraint when
// `entities_max` of one session are noted already.
router::Flow track_directed(router::StanzaOutgoing& event, std::size_t entities_max);

// `stanza` is unavailable presence or an error from somebody: he needs not be told any more.
void forget_directed(router::User& user, const Stanza& stanza);

}  // namespace balcony::modules
