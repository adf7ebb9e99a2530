// Messages that wait for a user and that his archive has too (XEP-0386 §3.2, XEP-0313). For the
// module xep_0160_offline; the user's home shard only.
#pragma once

#include "storage/storage.h"

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <string>
#include <vector>

namespace balcony::modules {

// Erases rows of `store` (offline messages) with ids less than `position` where the archive of
// `user` has the same message; returns them. What the archive has not stays. Errors: storage
// errors; what was erased by then is lost to the caller's count only.
Task<Result<std::vector<storage::ArchiveRow>>> erase_archived(storage::Store& storage, Jid user,
                                                              std::string store,
                                                              std::string position);

}  // namespace balcony::modules
