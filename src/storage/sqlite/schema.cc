#include "storage/sqlite/schema.h"

#include "base/log.h"

#include <array>

namespace balcony::storage {
namespace {

// "Blcy", in the file's header: tells our files from others'.
constexpr std::int64_t kApplicationId = 0x426c6379;

// One entry a version, oldest first; an entry is never changed once it was released.
//
// 1: `stanza` only grows at its end, so that the messages of a group lie together whoever owns
//    them; what must be sorted by owner, `archive`, is a thin row of numbers. `peer` and `origin`
//    there are hashes of the texts in `stanza`. `search_index` is filled when somebody searches, up
//    to the stanza named in `state` (see search_index.h).
constexpr std::array kMigrations = {
    R"(
CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE store (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE map (
  owner INTEGER NOT NULL, store INTEGER NOT NULL, key TEXT NOT NULL,
  value BLOB NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (owner, store, key)) STRICT, WITHOUT ROWID;
CREATE TABLE archive (
  owner INTEGER NOT NULL, store INTEGER NOT NULL, id TEXT NOT NULL,
  stanza INTEGER NOT NULL, time INTEGER NOT NULL, peer INTEGER NOT NULL, origin INTEGER NOT NULL,
  PRIMARY KEY (owner, store, id)) STRICT, WITHOUT ROWID;
CREATE TABLE stanza (
  id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, store INTEGER NOT NULL,
  peer TEXT NOT NULL, origin TEXT NOT NULL, xml TEXT NOT NULL, search TEXT NOT NULL) STRICT;
CREATE TABLE account (
  host TEXT NOT NULL, user TEXT NOT NULL, created INTEGER NOT NULL, disabled INTEGER NOT NULL,
  keys BLOB NOT NULL, PRIMARY KEY (host, user)) STRICT, WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO state VALUES ('indexed', 0);
CREATE VIRTUAL TABLE search_index USING fts5 (
  scope, words, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2');
)",
};
constexpr auto kVersion = static_cast<std::int64_t>(kMigrations.size());

Result<std::int64_t> number(Connection& db, const char* sql) {
  Query query = db.query(sql);
  BALCONY_ASSIGN(const bool row, query.next());
  return row ? query.integer(0) : 0;
}

Result<> step(Connection& db, std::int64_t version) {
  BALCONY_CHECK(db.script("BEGIN IMMEDIATE"));
  Result<> done = db.script(kMigrations[static_cast<std::size_t>(version - 1)]);
  if (done) {
    done = db.script("PRAGMA application_id=" + std::to_string(kApplicationId) +
                     "; PRAGMA user_version=" + std::to_string(version) + "; COMMIT");
  }
  if (!done && db.in_transaction()) static_cast<void>(db.script("ROLLBACK"));
  return done;
}

}  // namespace

Result<> migrate(Connection& db, const std::string& path) {
  BALCONY_ASSIGN(const std::int64_t tables, number(db, "SELECT count(*) FROM sqlite_schema"));
  BALCONY_ASSIGN(const std::int64_t application, number(db, "PRAGMA application_id"));
  BALCONY_ASSIGN(const std::int64_t version, number(db, "PRAGMA user_version"));
  if (tables > 0 && application != kApplicationId) {
    return fail(Errc::kIo, path + " is a database of another program; name another file");
  }
  if (version > kVersion) {
    return fail(Errc::kVersion, path + " was written by a newer Balcony (its schema is number " +
                                    std::to_string(version) + ", this release knows " +
                                    std::to_string(kVersion) +
                                    "); install that release again, or restore a backup");
  }
  for (std::int64_t next = version + 1; next <= kVersion; ++next) {
    BALCONY_CHECK(step(db, next));
    log_info("database schema", {{"path", path}, {"version", next}});
  }
  return {};
}

}  // namespace balcony::storage
