// Walks over the archive rows that a query selects, in steps that are each a short read
// transaction.
//
// The thin rows decide (id, time, hashes, words found by the full-text index); what passes is
// handed to a visitor. Made on the loop, then used by the reader's thread alone until it is done.
#pragma once

#include "storage/sqlite/reader.h"

namespace balcony::storage {

class ArchiveScan {
 public:
  // Gets a row; false ends the walk.
  using Visit = std::move_only_function<Result<bool>(Reader&, const ThinRow&)>;

  // `origin_hash`: only rows with this hash of an origin id.
  ArchiveScan(std::string owner, std::string store, ArchiveQuery query, Visit visit,
              std::optional<std::int64_t> origin_hash = std::nullopt);

  // Goes on. True while there is more to look at.
  Result<bool> step(Reader& reader);

 private:
  Result<bool> find_words(Connection& db);
  template <class Before>
  Result<bool> walk(Reader& reader, const char* sql, const Before& before);
  bool passes(const ThinRow& row) const;

  std::string owner_, store_;
  ArchiveQuery query_;  // `after` or `before` moves on with the walk
  Visit visit_;
  std::optional<std::int64_t> peer_hash_, origin_hash_;
  std::optional<std::vector<std::int64_t>> with_words_;  // stanzas that match, ascending
};

}  // namespace balcony::storage
