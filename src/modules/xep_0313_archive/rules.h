// Which messages a user's archive keeps (XEP-0313 §6.1.1, XEP-0334). Pure functions.
#pragma once

#include "stanza/stanza.h"
#include "storage/storage.h"

#include <string_view>

namespace balcony::modules {

// Whether a message is worth keeping, whoever sent it: of type normal or chat, with a body or with
// something else that a client must not miss (receipts, markers, reactions, retractions, encrypted
// payloads, calls, invitations), or with the hint to store; nothing that is forbidden by a hint.
bool is_worth_keeping(const Stanza& message);

// The row for it. `peer` is the other side.
storage::ArchiveRow archive_row(const Stanza& message, std::string_view id, const Jid& peer,
                                WallTime now);

}  // namespace balcony::modules
