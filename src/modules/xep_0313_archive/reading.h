// Reads pages of a user's archive and sends them (XEP-0313 §4.2, §4.3, §5). On the user's home
// shard.
#pragma once

#include "modules/modules.h"
#include "modules/xep_0313_archive/query.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace balcony::modules {

// The store of users' archives.
inline constexpr std::string_view kArchiveStore = "archive";

struct PageLimits {
  std::uint32_t rows_default;
  std::uint32_t rows_max;
};

// Sends what is asked for to the session `asker`, in one turn, and returns <fin/>, which the router
// sends behind it. A page ends early at about half a MiB: it is then not complete, and the client
// asks for the next. Errors: kItemNotFound for an id that is not in the archive and none of ours;
// storage errors.
Task<IqReply> answer_archive_query(Server& server, PageLimits limits,
                                   std::shared_ptr<router::User> user, Jid asker, ArchiveAsk ask);

// <metadata/> (§5): the first and the last of the user's rows whose ids are less than `before`;
// empty: of all. Errors: storage errors.
Task<Result<xml::Element>> archive_metadata(storage::Store& store, Jid user, std::string before);

}  // namespace balcony::modules
