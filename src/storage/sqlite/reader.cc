#include "storage/sqlite/reader.h"

#include "base/assert.h"
#include "storage/query.h"
#include "storage/sqlite/account_keys.h"

#include <sqlite3.h>

#include <algorithm>

namespace balcony::storage {
namespace {

// About 20 ms of looking.
constexpr std::uint32_t kStepOwners = 5'000;
constexpr std::uint32_t kStepAccounts = 5'000;

// The first text that is greater than every text with this prefix; empty: there is none.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

WallTime wall_time(std::int64_t millis) {
  return WallTime(std::chrono::milliseconds(millis));
}

// From the columns user, created, disabled, keys.
std::optional<Account> account_of(const Query& row, Tally& tally) {
  Account account;
  account.user = row.text(0);
  account.created = wall_time(row.integer(1));
  account.disabled = row.integer(2) != 0;
  auto keys = decode_keys(row.text(3));
  if (!keys) {
    tally.skip("account", account.user);
    return std::nullopt;
  }
  account.keys = *std::move(keys);
  return account;
}

}  // namespace

// ---- map

Result<std::optional<Value>> Reader::get(const std::string& owner, const std::string& store,
                                         const std::string& key) {
  Query query = db_.query(
      "SELECT value, version FROM map WHERE owner = (SELECT id FROM owner WHERE name = ?)"
      " AND store = (SELECT id FROM store WHERE name = ?) AND key = ?",
      owner, store, key);
  BALCONY_ASSIGN(const bool row, query.next());
  if (!row) return std::nullopt;
  return Value{query.text(0), static_cast<std::uint64_t>(query.integer(1))};
}

Result<std::vector<MapEntry>> Reader::scan(const std::string& owner, const std::string& store,
                                           const std::string& prefix, const std::string& after,
                                           std::uint32_t limit) {
  limit = std::clamp<std::uint32_t>(limit, 1, kScanEntriesMax);
  // The first text after a text is the same with a zero byte.
  const std::string from = after.empty() ? prefix : std::max(prefix, after + '\0');
  const std::string end = after_prefix(prefix);
  std::vector<MapEntry> entries;
  const auto read = [&](const auto& bound) {
    Query query = db_.query(
        "SELECT key, value, version FROM map"
        " WHERE owner = (SELECT id FROM owner WHERE name = ?)"
        " AND store = (SELECT id FROM store WHERE name = ?) AND key >= ? AND key < ?"
        " ORDER BY key LIMIT ?",
        owner, store, from, bound, limit);
    return query.each([&] {
      const auto version = static_cast<std::uint64_t>(query.integer(2));
      entries.push_back({query.text(0), {query.text(1), version}});
    });
  };
  BALCONY_CHECK(end.empty() ? read(kAfterAllText) : read(end));
  return entries;
}

Result<bool> Reader::owners_step(OwnersSoFar& so_far) {
  Query query = db_.query(
      "SELECT o.name, EXISTS (SELECT 1 FROM map m WHERE m.owner = o.id AND m.store = s.id)"
      " OR EXISTS (SELECT 1 FROM archive a WHERE a.owner = o.id AND a.store = s.id)"
      " FROM owner o, store s WHERE s.name = ? AND o.name > ? ORDER BY o.name LIMIT ?",
      so_far.store, so_far.position, kStepOwners);
  const std::size_t limit = std::clamp<std::uint32_t>(so_far.limit, 1, kScanEntriesMax);
  std::string position;
  std::uint32_t seen = 0;
  BALCONY_CHECK(query.each([&] {
    position = query.text(0);
    ++seen;
    if (query.integer(1) != 0 && so_far.found.size() < limit) so_far.found.push_back(position);
  }));
  so_far.position = std::move(position);
  return seen == kStepOwners && so_far.found.size() < limit;
}

// ---- archive

Result<std::optional<ArchiveRow>> Reader::find(const std::string& owner, const std::string& store,
                                               const std::string& id) {
  ThinRow thin;
  {
    Query query = db_.query(
        "SELECT stanza, time FROM archive WHERE owner = (SELECT id FROM owner WHERE name = ?)"
        " AND store = (SELECT id FROM store WHERE name = ?) AND id = ?",
        owner, store, id);
    BALCONY_ASSIGN(const bool row, query.next());
    if (!row) return std::nullopt;
    thin = {id, query.integer(0), query.integer(1), 0, 0};
  }
  return load(thin);
}

Result<std::optional<ArchiveRow>> Reader::load(const ThinRow& thin) {
  Query query = db_.query("SELECT peer, origin, xml, search FROM stanza WHERE id = ?", thin.stanza);
  BALCONY_ASSIGN(const bool found, query.next());
  if (!found) {
    tally_.skip("archive row", thin.id);
    return std::nullopt;
  }
  ArchiveRow row;
  row.id = thin.id;
  row.with = query.text(0);
  row.when = wall_time(thin.time);
  row.origin_id = query.text(1);
  row.stanza = query.text(2);
  row.search = query.text(3);
  return row;
}

// ---- accounts

namespace {

// As an account has them that was made with all hashes.
std::vector<ScramKeys> keys_of_nobody() {
  std::vector<ScramKeys> keys;
  for (const auto& [hash, size] :
       {std::pair("SHA-1", 20U), std::pair("SHA-256", 32U), std::pair("SHA-512", 64U)}) {
    keys.push_back(
        {hash, 10'000, std::string(16, '\0'), std::string(size, '\0'), std::string(size, '\0')});
  }
  return keys;
}

}  // namespace

Result<std::optional<Account>> Reader::account(const std::string& host, const std::string& user) {
  // Where there is none a row is made up and read, too: how long the answer takes is not to tell.
  static const std::string made_up = encode_keys(keys_of_nobody());
  Query query = db_.query(
      "SELECT user, created, disabled, keys FROM account WHERE host = ? AND user = ?"
      " UNION ALL SELECT '', 0, 0, ? LIMIT 1",
      host, user, Blob{made_up});
  BALCONY_ASSIGN(const bool row, query.next());
  BALCONY_ASSERT(row, "there is always a row");
  auto account = account_of(query, tally_);
  if (account && account->user.empty()) account.reset();
  return account;
}

Result<std::vector<Account>> Reader::accounts(const std::string& host, const std::string& after,
                                              std::uint32_t limit) {
  limit = std::clamp<std::uint32_t>(limit, 1, kScanEntriesMax);
  std::vector<Account> found;
  std::string position = after;
  // One that cannot be read must not make the page look like the last one.
  for (bool more = true; more && found.size() < limit;) {
    const std::size_t wanted = limit - found.size();
    std::size_t seen = 0;
    Query query = db_.query(
        "SELECT user, created, disabled, keys FROM account WHERE host = ? AND user > ?"
        " ORDER BY user LIMIT ?",
        host, position, wanted);
    std::string last;
    BALCONY_CHECK(query.each([&] {
      ++seen;
      last = query.text(0);
      if (auto account = account_of(query, tally_)) found.push_back(*std::move(account));
    }));
    position = std::move(last);
    more = seen == wanted;
  }
  return found;
}

Result<bool> Reader::account_counts_step(AccountCountsSoFar& so_far) {
  Query query = db_.query(
      "SELECT user, created, disabled, keys FROM account WHERE host = ? AND user > ?"
      " ORDER BY user LIMIT ?",
      so_far.host, so_far.position, kStepAccounts);
  std::string position;
  std::uint32_t seen = 0;
  BALCONY_CHECK(query.each([&] {
    position = query.text(0);
    ++seen;
    if (const auto account = account_of(query, tally_)) so_far.counts.add(*account);
  }));
  so_far.position = std::move(position);
  return seen == kStepAccounts;
}

void Reader::checkpoint() {
  int frames = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
  if (code != SQLITE_OK && code != SQLITE_BUSY) {
    log_warning("checkpoint failed", {{"why", db_.error(code).detail}});
  } else {
    log_debug("checkpoint", {{"frames", frames}, {"copied", copied}});
  }
}

}  // namespace balcony::storage
