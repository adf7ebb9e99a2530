// The server rules for processing stanzas to a local user (RFC 6121 §8.5), on the user's home
// shard.
#pragma once

#include "router/user.h"
#include "stanza/stanza.h"

#include <optional>

namespace balcony::router {

class Router;

// RFC 6121 §8.5.2.1.1, §8.5.2.2.1, §8.5.3.1, §8.5.3.2.1. For a message of type normal or chat to
// the bare JID, the resources with the highest non-negative priority have it.
void deliver_message(Router& router, User& user, Stanza& stanza);

// RFC 6121 §8.5.2.1.2, §8.5.2.2.2, §8.5.3.2.2, after PresenceIncoming.
void deliver_presence(Router& router, User& user, Stanza& stanza);

// An iq to a full JID: RFC 6121 §8.5.3.1, §8.5.3.2.3.
void deliver_iq(Router& router, User& user, const Stanza& stanza);

// What was handed to a stream that ended before the client had it (XEP-0198 §5); `since`: when that
// was. A message goes to the user's other resources or is kept, a request is refused, and the rest
// means nothing any more.
void deliver_again(Router& router, User& user, Stanza stanza, WallTime since);

// What a stream was given at `since` and its client does not acknowledge, with the receipt that the
// stream holds: written down where that helps its sender. Returns the receipt that the stream is to
// hold instead (perhaps the same, perhaps null); nothing: ask again later.
std::optional<ReceiptPtr> keep_unacknowledged(User& user, Stanza& stanza, WallTime since);

}  // namespace balcony::router
