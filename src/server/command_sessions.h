// What other commands want of sessions. For command_*.cc only.
#pragma once

#include "server/commands.h"
#include "stanza/stream_error.h"

#include <cstdint>

namespace balcony::server {

// Ends the sessions of a user (bare), or one (full), with this error. How many there were.
Task<std::int64_t> end_sessions(const CommandContext& context, Jid jid, StreamError why);

}  // namespace balcony::server
