// Sessions on disk: how far each client's stream was dealt with, for `<failed h='…'/>` after a
// crash (XEP-0198 §5), and whole sessions over a stop and start of the server.
//
// One entry a session in the map store "stream_management" of its user: <session h=…/>, with what
// is needed to go on inside when it was saved. On the home shard.
#pragma once

#include "server/managed_stream.h"
#include "server/shard_context.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/task.h>

#include <optional>
#include <string>

namespace balcony::server {

// The client of this session was told `h`. Not waited for: a count that comes back lower after a
// crash is true too.
void remember_count(ShardContext& context, const Jid& jid, const std::string& id,
                    stream::StanzaCount h);
// The session is over, or goes on in memory alone.
void forget_session(ShardContext& context, const Jid& jid, const std::string& id);
// The count of a session that is known no more, which is then forgotten; null: never heard of.
Task<std::optional<stream::StanzaCount>> last_count(ShardContext& context, Jid bare,
                                                    std::string id);

// Writes a session down, for restore_sessions() after the start.
void save_session(ShardContext& context, const router::ConnectedResource& resource,
                  const ManagedStream& managed);
// What save_session() wrote of the resource: its presence, and what modules keep.
void restore_resource(router::ConnectedResource& resource, xml::ElementView state);

// What waits in it and is in the offline store too is again a copy of its row.
void take_rows_back(router::ConnectedResource& resource, ManagedStream& managed);

// Takes up everything that was saved and is not too old; each session on its home shard. Returns
// how many there are.
Task<std::size_t> restore_sessions(ShardContext& context);

// The options of a managed stream as the configuration has them.
ManagedOptions managed_options(const Config& config);

}  // namespace balcony::server
