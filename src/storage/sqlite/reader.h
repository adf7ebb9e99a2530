// The reader: everything that is asked of the file, on a connection of its own.
//
// One thread at a time. No read transaction is long: what may have to look at many rows does it in
// steps (ArchiveScan and the *_step functions), and whoever calls them lets others in between.
#pragma once

#include "storage/sqlite/connection.h"
#include "storage/sqlite/tally.h"

namespace balcony::storage {

// A row of the thin `archive` table.
struct ThinRow {
  std::string id;
  std::int64_t stanza, time, peer, origin;
};

// owners(), as far as it has come.
struct OwnersSoFar {
  std::string store, position;
  std::uint32_t limit;
  std::vector<std::string> found;
};

// account_counts(), as far as it has come.
struct AccountCountsSoFar {
  std::string host, position;
  Store::AccountCounts counts;
};

class Reader {
 public:
  Reader(Connection& db, Tally& tally) : db_(db), tally_(tally) {}

  // As the functions of Store.
  Result<std::optional<Value>> get(const std::string& owner, const std::string& store,
                                   const std::string& key);
  Result<std::vector<MapEntry>> scan(const std::string& owner, const std::string& store,
                                     const std::string& prefix, const std::string& after,
                                     std::uint32_t limit);
  Result<std::optional<ArchiveRow>> find(const std::string& owner, const std::string& store,
                                         const std::string& id);
  Result<std::optional<Account>> account(const std::string& host, const std::string& user);
  Result<std::vector<Account>> accounts(const std::string& host, const std::string& after,
                                        std::uint32_t limit);

  // One step each; true while there is more to do.
  Result<bool> owners_step(OwnersSoFar& so_far);
  Result<bool> account_counts_step(AccountCountsSoFar& so_far);

  // The rest of a row; nothing, and counted, when it is not there.
  Result<std::optional<ArchiveRow>> load(const ThinRow& thin);

  // Copies the write-ahead log into the file, as far as nobody stands in the way.
  void checkpoint();

  Connection& db() { return db_; }

 private:
  Connection& db_;
  Tally& tally_;
};

}  // namespace balcony::storage
