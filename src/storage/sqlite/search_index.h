// The full-text index over archive rows. Commits do not touch it: it is brought up to date when
// somebody searches, in steps between the groups, so that servers on which nobody searches never
// pay for it. Only rows that are replaced or erased after they were indexed are taken out at once.
//
// Used by the writer, on its thread.
#pragma once

#include "storage/sqlite/connection.h"

namespace balcony::storage {

class SearchIndex {
 public:
  // Reads how far the index has come.
  Result<> load(Connection& db);

  // Everything up to this stanza is indexed.
  std::int64_t indexed() const { return indexed_; }

  // Indexes some rows in a transaction of its own. True when there were no more.
  Result<bool> step(Connection& db);

  // In the writer's transaction: takes out a stanza that is erased or replaced, with the text that
  // it had. One that was never indexed is no error.
  Result<> forget(Connection& db, std::int64_t owner, std::int64_t store, std::int64_t stanza,
                  std::string_view search);
  // Puts in a text.
  Result<> add(Connection& db, std::int64_t owner, std::int64_t store, std::int64_t stanza,
               std::string_view search);

 private:
  Result<std::int64_t> index_some(Connection& db, std::int64_t& rows);

  std::int64_t indexed_ = 0;
};

// One word that stands for (owner, store) in the index, so that a search meets the rows of others
// only in the postings of that word.
std::string search_scope(std::int64_t owner, std::int64_t store);

// What to MATCH for all words of `search`; empty when it has none.
std::string search_expression(std::int64_t owner, std::int64_t store, std::string_view search);

}  // namespace balcony::storage
