// What a stream was given and its client has not acknowledged (XEP-0198 §5): after a while, and
// after the session has ended.
#pragma once

#include "server/managed_stream.h"
#include "server/shard_context.h"
#include "stream/stream_management.h"

#include <deque>
#include <string_view>
#include <vector>

namespace balcony::server {

// Sends it where it can still do something: messages to the user's other resources or to the
// offline store, requests back to who asked. `jid`: of the session. On its home shard, any time
// after the resource was given back.
void return_unacknowledged(ShardContext& context, const Jid& jid, std::deque<stream::Kept> stanzas);

// The receipt that a stream has to hold until its client has the stanza (docs/decisions/0012): of a
// message that no archive has. A subscription is in its recipient's roster.
inline ReceiptPtr to_answer_for(const Stanza& stanza) {
  return stanza.is_message() && !stanza.is_kept() ? stanza.receipt() : nullptr;
}

// Lets the module that stores messages write down what the client of this stream does not
// acknowledge (docs/decisions/0014).
ManagedStream::Keeper keeper_of(ShardContext& context, const Jid& jid);

// The stanzas that a stream of this content namespace (of a server or a component) sent and that
// were not acknowledged, with their receipts.
std::vector<Stanza> read_kept(std::deque<stream::Kept> kept, std::string_view content_ns);

// A stanza as it was written into a client's stream.
Result<Stanza> read_sent(std::string_view text);

}  // namespace balcony::server
