// What the commands about accounts share. For command_*.cc only.
#pragma once

#include "server/commands.h"

#include <string>
#include <string_view>

namespace balcony::server {

// Whether `jid` can be an account here: user@host, a host of ours. Errors: kUsage, kItemNotFound
// (no such host) with a sentence.
Result<> check_account(const Config& config, const Jid& jid);

}  // namespace balcony::server
