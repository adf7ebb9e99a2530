// What a privileged component says in the name of a user (XEP-0356 §5, §6): messages and requests,
// which go the way of what the user's own clients send. On the component's home shard.
#pragma once

#include "router/module.h"

namespace balcony::modules {

// A message with <privilege/> to the host (§5.3). Errors: kForbidden: the component may not, or not
// as this sender; kBadRequest: there is no message in it. What fails later (nobody of this name,
// somebody whom the user has blocked) is answered by itself.
Result<> send_on_behalf(router::Server& server, const Stanza& outer);

// A request with <privileged_iq/> (§6.3); its answer follows. Errors: the same.
Result<> ask_on_behalf(router::Server& server, const Stanza& outer);

}  // namespace balcony::modules
