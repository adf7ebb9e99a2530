#include "storage/sqlite/archive_scan.h"

#include "storage/sqlite/hash.h"
#include "storage/sqlite/search_index.h"

#include <algorithm>

namespace balcony::storage {
namespace {

// About 10 ms of looking.
constexpr std::uint32_t kStepRows = 20'000;

constexpr char kForwards[] =
    "SELECT id, stanza, time, peer, origin FROM archive"
    " WHERE owner = (SELECT id FROM owner WHERE name = ?)"
    " AND store = (SELECT id FROM store WHERE name = ?) AND id > ? AND id < ?"
    " ORDER BY id LIMIT ?";
constexpr char kBackwards[] =
    "SELECT id, stanza, time, peer, origin FROM archive"
    " WHERE owner = (SELECT id FROM owner WHERE name = ?)"
    " AND store = (SELECT id FROM store WHERE name = ?) AND id > ? AND id < ?"
    " ORDER BY id DESC LIMIT ?";

}  // namespace

ArchiveScan::ArchiveScan(std::string owner, std::string store, ArchiveQuery query, Visit visit,
                         std::optional<std::int64_t> origin_hash)
    : owner_(std::move(owner)),
      store_(std::move(store)),
      query_(std::move(query)),
      visit_(std::move(visit)),
      origin_hash_(origin_hash) {
  if (!query_.with.empty()) peer_hash_ = text_hash(query_.with);
}

Result<bool> ArchiveScan::step(Reader& reader) {
  if (!query_.search.empty() && !with_words_) {
    BALCONY_ASSIGN(const bool any, find_words(reader.db()));
    if (!any) return false;
  }
  const char* sql = query_.backwards ? kBackwards : kForwards;
  return query_.before.empty() ? walk(reader, sql, kAfterAllText)
                               : walk(reader, sql, query_.before);
}

Result<bool> ArchiveScan::find_words(Connection& db) {
  std::int64_t owner = 0;
  std::int64_t store = 0;
  {
    Query query = db.query(
        "SELECT owner.id, store.id FROM owner, store WHERE owner.name = ? AND store.name = ?",
        owner_, store_);
    BALCONY_ASSIGN(const bool row, query.next());
    if (!row) return false;
    owner = query.integer(0);
    store = query.integer(1);
  }
  const std::string expression = search_expression(owner, store, query_.search);
  if (expression.empty()) return false;
  with_words_.emplace();
  Query query = db.query("SELECT rowid FROM search_index WHERE search_index MATCH ? ORDER BY rowid",
                         expression);
  BALCONY_CHECK(query.each([&] { with_words_->push_back(query.integer(0)); }));
  return !with_words_->empty();
}

template <class Before>
Result<bool> ArchiveScan::walk(Reader& reader, const char* sql, const Before& before) {
  ThinRow row;
  std::uint32_t seen = 0;
  {
    Query query = reader.db().query(sql, owner_, store_, query_.after, before, kStepRows);
    for (;; ++seen) {
      BALCONY_ASSIGN(const bool found, query.next());
      if (!found) break;
      row = {query.text(0), query.integer(1), query.integer(2), query.integer(3), query.integer(4)};
      if (!passes(row)) continue;
      BALCONY_ASSIGN(const bool go_on, visit_(reader, row));
      if (!go_on) return false;
    }
  }
  if (seen < kStepRows) return false;
  (query_.backwards ? query_.before : query_.after) = std::move(row.id);
  return true;
}

bool ArchiveScan::passes(const ThinRow& row) const {
  if (peer_hash_ && row.peer != *peer_hash_) return false;
  if (origin_hash_ && row.origin != *origin_hash_) return false;
  if (query_.start && row.time < query_.start->time_since_epoch().count()) return false;
  if (query_.end && row.time > query_.end->time_since_epoch().count()) return false;
  return !with_words_ || std::ranges::binary_search(*with_words_, row.stanza);
}

}  // namespace balcony::storage
