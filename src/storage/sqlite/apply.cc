#include "storage/sqlite/apply.h"

#include "base/assert.h"
#include "storage/sqlite/account_keys.h"
#include "storage/sqlite/hash.h"

#include <algorithm>
#include <limits>

namespace balcony::storage {
namespace {

constexpr std::size_t kNamesKeptMax = 200'000;
constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

using Names = std::unordered_map<std::string, std::int64_t>;

// The number of a name, from memory or the table; 0 where there is none.
Result<std::int64_t> find_name(Connection& db, const char* sql, Names& known,
                               const std::string& name) {
  if (const auto at = known.find(name); at != known.end()) return at->second;
  Query query = db.query(sql, name);
  BALCONY_ASSIGN(const bool row, query.next());
  if (!row) return 0;
  if (known.size() >= kNamesKeptMax) known.clear();
  return known[name] = query.integer(0);
}

Result<std::int64_t> make_name(Connection& db, const char* sql, Names& known,
                               const std::string& name) {
  Query query = db.query(sql, name);
  BALCONY_ASSIGN(const bool row, query.next());
  BALCONY_ASSERT(row, "an INSERT … RETURNING returns a row");
  const std::int64_t id = query.integer(0);
  BALCONY_CHECK(query.done());
  return known[name] = id;
}

constexpr char kFindOwner[] = "SELECT id FROM owner WHERE name = ?";
constexpr char kFindStore[] = "SELECT id FROM store WHERE name = ?";
constexpr char kMakeOwner[] = "INSERT INTO owner (name) VALUES (?) RETURNING id";
constexpr char kMakeStore[] = "INSERT INTO store (name) VALUES (?) RETURNING id";

}  // namespace

Result<> Applier::load() {
  BALCONY_CHECK(search_.load(db_));
  Query query = db_.query("SELECT max(id) FROM stanza");
  BALCONY_ASSIGN(const bool row, query.next());
  last_stanza_ = std::max(row ? query.integer(0) : 0, search_.indexed());
  return {};
}

Result<> Applier::apply(const Batch& batch) {
  for (const auto& [owner, operation] : batch.entries) {
    BALCONY_CHECK(std::visit([&](const auto& each) { return perform(owner, each); }, operation));
  }
  return {};
}

void Applier::rolled_back() {
  // Some of these names may be gone with the transaction.
  owners_.clear();
  stores_.clear();
}

Result<Applier::Place> Applier::place(const std::string& owner, const std::string& store) {
  Place found{};
  BALCONY_ASSIGN(found.owner, find_name(db_, kFindOwner, owners_, owner));
  if (found.owner == 0) {
    BALCONY_ASSIGN(found.owner, make_name(db_, kMakeOwner, owners_, owner));
  }
  BALCONY_ASSIGN(found.store, find_name(db_, kFindStore, stores_, store));
  if (found.store == 0) {
    BALCONY_ASSIGN(found.store, make_name(db_, kMakeStore, stores_, store));
  }
  return found;
}

Result<std::optional<Applier::Place>> Applier::find_place(const std::string& owner,
                                                          const std::string& store) {
  Place found{};
  BALCONY_ASSIGN(found.owner, find_name(db_, kFindOwner, owners_, owner));
  BALCONY_ASSIGN(found.store, find_name(db_, kFindStore, stores_, store));
  if (found.owner == 0 || found.store == 0) return std::nullopt;
  return found;
}

// ---- map

Result<> Applier::perform(const std::string& owner, const op::Put& put) {
  BALCONY_ASSIGN(const Place at, place(owner, put.store));
  return db_.execute(
      "INSERT INTO map (owner, store, key, value, version) VALUES (?, ?, ?, ?, 1)"
      " ON CONFLICT DO UPDATE SET value = excluded.value, version = version + 1",
      at.owner, at.store, put.key, Blob{put.value});
}

Result<> Applier::perform(const std::string& owner, const op::PutIfVersion& put) {
  BALCONY_ASSIGN(const Place at, place(owner, put.store));
  if (put.version == 0) {
    BALCONY_CHECK(
        db_.execute("INSERT INTO map (owner, store, key, value, version) VALUES (?, ?, ?, ?, 1)"
                    " ON CONFLICT DO NOTHING",
                    at.owner, at.store, put.key, Blob{put.value}));
  } else {
    BALCONY_CHECK(
        db_.execute("UPDATE map SET value = ?4, version = version + 1"
                    " WHERE owner = ?1 AND store = ?2 AND key = ?3 AND version = ?5",
                    at.owner, at.store, put.key, Blob{put.value}, put.version));
  }
  if (db_.changes() == 0) return fail(Errc::kVersion, "the key has another version");
  return {};
}

Result<> Applier::perform(const std::string& owner, const op::Erase& erase) {
  BALCONY_ASSIGN(const auto at, find_place(owner, erase.store));
  if (!at) return {};
  return db_.execute("DELETE FROM map WHERE owner = ? AND store = ? AND key = ?", at->owner,
                     at->store, erase.key);
}

Result<> Applier::perform(const std::string& owner, const op::EraseStore& erase) {
  BALCONY_ASSIGN(const auto at, find_place(owner, erase.store));
  if (!at) return {};
  BALCONY_CHECK(db_.execute("DELETE FROM map WHERE owner = ? AND store = ?", at->owner, at->store));
  return erase_rows(*at, "", kAfterAllText, kEndOfTime);
}

Result<> Applier::perform(const std::string& owner, const op::EraseOwner&) {
  BALCONY_ASSIGN(const std::int64_t id, find_name(db_, kFindOwner, owners_, owner));
  if (id == 0) return {};
  std::vector<std::int64_t> stores;
  {
    Query query = db_.query("SELECT id FROM store");
    BALCONY_CHECK(query.each([&] { stores.push_back(query.integer(0)); }));
  }
  for (const std::int64_t store : stores) {
    BALCONY_CHECK(erase_rows({id, store}, "", kAfterAllText, kEndOfTime));
  }
  BALCONY_CHECK(db_.execute("DELETE FROM map WHERE owner = ?", id));
  BALCONY_CHECK(db_.execute("DELETE FROM owner WHERE id = ?", id));
  owners_.erase(owner);
  return {};
}

// ---- archive

Result<> Applier::perform(const std::string& owner, const op::Append& append) {
  const ArchiveRow& row = append.row;
  BALCONY_ASSERT(!row.id.empty(), "an archive row has an id");
  BALCONY_ASSIGN(const Place at, place(owner, append.store));
  const std::int64_t stanza = ++last_stanza_;
  const std::int64_t peer = text_hash(row.with);
  const std::int64_t origin = text_hash(row.origin_id);
  const std::int64_t time = row.when.time_since_epoch().count();
  const auto insert = [&] {
    return db_.execute(
        "INSERT INTO archive (owner, store, id, stanza, time, peer, origin)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        at.owner, at.store, row.id, stanza, time, peer, origin);
  };
  BALCONY_CHECK(insert());
  if (db_.changes() == 0) {
    BALCONY_CHECK(erase_rows(at, row.id, row.id, kEndOfTime));
    BALCONY_CHECK(insert());
  }
  return db_.execute(
      "INSERT INTO stanza (id, owner, store, peer, origin, xml, search)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      stanza, at.owner, at.store, row.with, row.origin_id, row.stanza, row.search);
}

Result<> Applier::perform(const std::string& owner, const op::Replace& replace) {
  BALCONY_ASSIGN(const auto at, find_place(owner, replace.store));
  if (!at) return {};
  std::int64_t stanza = 0;
  std::string search;
  {
    Query query = db_.query(
        "SELECT s.id, s.search FROM archive a JOIN stanza s ON s.id = a.stanza"
        " WHERE a.owner = ? AND a.store = ? AND a.id = ?",
        at->owner, at->store, replace.id);
    BALCONY_ASSIGN(const bool row, query.next());
    if (!row) return {};
    stanza = query.integer(0);
    search = query.text(1);
  }
  BALCONY_CHECK(search_.forget(db_, at->owner, at->store, stanza, search));
  if (stanza <= search_.indexed()) {
    BALCONY_CHECK(search_.add(db_, at->owner, at->store, stanza, replace.search));
  }
  return db_.execute("UPDATE stanza SET xml = ?, search = ? WHERE id = ?", replace.stanza,
                     replace.search, stanza);
}

Result<> Applier::perform(const std::string& owner, const op::EraseRow& erase) {
  BALCONY_ASSIGN(const auto at, find_place(owner, erase.store));
  return at ? erase_rows(*at, erase.id, erase.id, kEndOfTime) : Result<>();
}

Result<> Applier::perform(const std::string& owner, const op::EraseUpTo& erase) {
  BALCONY_ASSIGN(const auto at, find_place(owner, erase.store));
  return at ? erase_rows(*at, "", erase.id, kEndOfTime) : Result<>();
}

Result<> Applier::perform(const std::string& owner, const op::EraseBefore& erase) {
  BALCONY_ASSIGN(const auto at, find_place(owner, erase.store));
  if (!at) return {};
  return erase_rows(*at, "", kAfterAllText, erase.when.time_since_epoch().count());
}

template <class Last>
Result<> Applier::erase_rows(Place at, std::string_view first, const Last& last,
                             std::int64_t before) {
  if (search_.indexed() > 0) {
    Query query = db_.query(
        "SELECT s.id, s.search FROM archive a JOIN stanza s ON s.id = a.stanza WHERE a.owner = ?"
        " AND a.store = ? AND a.id >= ? AND a.id <= ? AND a.time < ? AND a.stanza <= ?",
        at.owner, at.store, first, last, before, search_.indexed());
    for (;;) {
      BALCONY_ASSIGN(const bool row, query.next());
      if (!row) break;
      BALCONY_CHECK(search_.forget(db_, at.owner, at.store, query.integer(0), query.text(1)));
    }
  }
  BALCONY_CHECK(
      db_.execute("DELETE FROM stanza WHERE id IN (SELECT stanza FROM archive WHERE owner = ?"
                  " AND store = ? AND id >= ? AND id <= ? AND time < ?)",
                  at.owner, at.store, first, last, before));
  return db_.execute(
      "DELETE FROM archive WHERE owner = ? AND store = ? AND id >= ? AND id <= ? AND time < ?",
      at.owner, at.store, first, last, before);
}

// ---- accounts

Result<> Applier::perform(const std::string& host, const op::PutAccount& put) {
  const std::string keys = encode_keys(put.account.keys);
  return db_.execute(
      "INSERT INTO account (host, user, created, disabled, keys) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT DO UPDATE SET created = excluded.created, disabled = excluded.disabled,"
      " keys = excluded.keys",
      host, put.account.user, put.account.created.time_since_epoch().count(),
      static_cast<std::int64_t>(put.account.disabled), Blob{keys});
}

Result<> Applier::perform(const std::string& host, const op::EraseAccount& erase) {
  return db_.execute("DELETE FROM account WHERE host = ? AND user = ?", host, erase.user);
}

}  // namespace balcony::storage
