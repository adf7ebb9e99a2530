// Hands a user's offline messages over to one of his sessions, in pages, oldest first, as fast as
// its stream takes them; what comes for him meanwhile comes behind them (RFC 6120 §10.1).
//
// Of the module offline. On the user's home shard.
#pragma once

#include "modules/modules.h"

namespace balcony::modules {

// Begins, to the first session that may have messages, unless there are none that wait or another
// session gets them already. `except`: one that is just going.
void start_hand_over(Server& server, router::User& user,
                     const router::ConnectedResource* except = nullptr);

// What starts it, what ends it, and what waits behind it.
void attach_hand_over(Registrar& on, Server& server);

}  // namespace balcony::modules
