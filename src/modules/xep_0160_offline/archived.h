// Offline messages that the archive of their recipient has too (XEP-0386 §3.2, XEP-0313). Of the
// module offline; the user's home shard only.
#pragma once

#include "storage/storage.h"

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <string>

namespace balcony::modules {

// Whether the archive of `user` has the message that `stanza`, a row of the offline store, is.
// Errors: those of the storage.
Task<Result<bool>> is_archived(storage::Store& storage, Jid user, std::string stanza);

}  // namespace balcony::modules
