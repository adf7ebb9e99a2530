// One line of an import: an account with its password or its keys.
//
//   juliet@example.org<TAB>R0m30
//   romeo@example.org<TAB>{SCRAM-SHA-1}4096:salt:stored:server;{SCRAM-SHA-256}4096:salt:stored:server
//
// Salt, StoredKey and ServerKey (RFC 5802 §3) are base64. A password that begins with "{SCRAM-"
// cannot be written. Pure functions; any thread.
#pragma once

#include "storage/storage.h"

#include <balcony/jid.h>
#include <balcony/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::server {

struct AccountLine {
  Jid jid;
  std::string password;  // if there are no keys
  std::vector<storage::ScramKeys> keys;
};

// `line` without its line feed. Errors: kMalformed with a sentence that holds no secret.
Result<AccountLine> parse_account_line(std::string_view line);

}  // namespace balcony::server
