#include "modules/offline_archived.h"

#include "modules/stanza_id.h"
#include "modules/xep_0313_archive/reading.h"
#include "xml/parser.h"

#include <utility>

namespace balcony::modules {
namespace {

constexpr std::uint32_t kPageRows = 50;

// XEP-0313 §3.3: the id under which the archive has it stands in the message.
Task<Result<bool>> is_archived(storage::Store& storage, const Jid& user, std::string stanza) {
  const auto message = xml::parse(stanza);
  std::string id(message ? find_stanza_id(*message, user) : std::string_view());
  if (id.empty()) co_return false;
  BALCONY_CO_ASSIGN(const auto found,
                    co_await storage.find(user.str(), std::string(kArchiveStore), std::move(id)));
  co_return found.has_value();
}

}  // namespace

Task<Result<std::vector<storage::ArchiveRow>>> erase_archived(storage::Store& storage, Jid user,
                                                              std::string store,
                                                              std::string position) {
  std::vector<storage::ArchiveRow> erased;
  storage::ArchiveQuery query;
  query.limit = kPageRows;
  query.before = std::move(position);
  for (bool more = true; more;) {
    storage::ArchiveQuery next = query;
    BALCONY_CO_ASSIGN(storage::ArchivePage page,
                      co_await storage.page(user.str(), store, std::move(next)));
    more = !page.complete && !page.rows.empty();
    if (more) query.after = page.rows.back().id;
    storage::Batch batch;
    for (storage::ArchiveRow& row : page.rows) {
      BALCONY_CO_ASSIGN(const bool archived, co_await is_archived(storage, user, row.stanza));
      if (!archived) continue;
      batch.add(user.str(), storage::op::EraseRow{store, row.id});
      erased.push_back(std::move(row));
    }
    if (batch.entries.empty()) continue;
    BALCONY_CO_CHECK(co_await storage.write(std::move(batch)));
  }
  co_return erased;
}

}  // namespace balcony::modules
