#include "storage/sqlite/search_index.h"

#include "storage/query.h"

namespace balcony::storage {
namespace {

constexpr std::int64_t kStepRows = 500;

}  // namespace

std::string search_scope(std::int64_t owner, std::int64_t store) {
  return "o" + std::to_string(owner) + "s" + std::to_string(store);
}

std::string search_expression(std::int64_t owner, std::int64_t store, std::string_view search) {
  const std::vector<std::string> words = wanted_words(search);
  if (words.empty()) return {};
  std::string expression = "scope:" + search_scope(owner, store) + " AND words:(";
  // Words have no quotes in them, so nothing in them is an operator of FTS5.
  for (const std::string& word : words) expression += "\"" + word + "\" ";
  return expression + ")";
}

Result<> SearchIndex::load(Connection& db) {
  Query query = db.query("SELECT value FROM state WHERE name = 'indexed'");
  BALCONY_ASSIGN(const bool row, query.next());
  indexed_ = row ? query.integer(0) : 0;
  return {};
}

Result<bool> SearchIndex::step(Connection& db) {
  BALCONY_CHECK(db.execute("BEGIN IMMEDIATE"));
  std::int64_t rows = 0;
  const Result<std::int64_t> last = index_some(db, rows);
  Result<> done = last ? Result<>() : fail(last.error());
  if (done) done = db.execute("COMMIT");
  if (!done) {
    if (db.in_transaction()) static_cast<void>(db.execute("ROLLBACK"));
    return fail(done.error());
  }
  indexed_ = *last;
  return rows < kStepRows;
}

Result<std::int64_t> SearchIndex::index_some(Connection& db, std::int64_t& rows) {
  std::int64_t last = indexed_;
  Query query =
      db.query("SELECT id, owner, store, search FROM stanza WHERE id > ? ORDER BY id LIMIT ?",
               indexed_, kStepRows);
  for (;; ++rows) {
    BALCONY_ASSIGN(const bool row, query.next());
    if (!row) break;
    last = query.integer(0);
    BALCONY_CHECK(add(db, query.integer(1), query.integer(2), last, query.text(3)));
  }
  BALCONY_CHECK(db.execute("UPDATE state SET value = ? WHERE name = 'indexed'", last));
  return last;
}

Result<> SearchIndex::forget(Connection& db, std::int64_t owner, std::int64_t store,
                             std::int64_t stanza, std::string_view search) {
  if (stanza > indexed_ || search.empty()) return {};
  return db.execute(
      "INSERT INTO search_index (search_index, rowid, scope, words)"
      " VALUES ('delete', ?, ?, ?)",
      stanza, search_scope(owner, store), search);
}

Result<> SearchIndex::add(Connection& db, std::int64_t owner, std::int64_t store,
                          std::int64_t stanza, std::string_view search) {
  if (search.empty()) return {};
  return db.execute("INSERT INTO search_index (rowid, scope, words) VALUES (?, ?, ?)", stanza,
                    search_scope(owner, store), search);
}

}  // namespace balcony::storage
