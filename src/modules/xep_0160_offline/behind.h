// What comes for a user while offline messages are being handed over to him: it waits in memory
// for a moment; where the hand-over takes longer, or much comes, it is stored behind the others.
//
// Of the module offline, in a slot of the user. On his home shard.
#pragma once

#include "modules/modules.h"

namespace balcony::modules {

// Takes the message over when it has to wait. `to`: the session that gets stored messages; null:
// none.
Flow hold_behind(Server& server, router::StanzaIncoming& event,
                 const router::ConnectedResource* to);

// The hand-over waits for its reader: what waits behind it, and all that comes, is stored, so that
// its senders need not wait for him too.
void store_behind(Server& server, router::User& user, const router::ConnectedResource& to);

// The hand-over is over: what waits goes the way that it came, at the end of the turn, as long as
// `stays_over` holds.
void let_go_behind(Server& server, router::User& user,
                   std::function<bool(const router::User&)> stays_over);

}  // namespace balcony::modules
