#include "storage/sqlite/connection.h"

#include "base/assert.h"
#include "storage/sqlite/reserve.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace balcony::storage {
namespace {

// Messages and keys are private: SQLite alone would create the file as the umask says. Its other
// files get the mode of this one.
void create_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
}

}  // namespace

// ---- Query

Query::Query(Connection& db, const char* sql) : db_(db), statement_(nullptr), code_(SQLITE_OK) {
  statement_ = db.prepare(sql, code_);
}

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Query::next() {
  if (code_ == SQLITE_OK) {
    errno = 0;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    code_ = code;
  }
  return fail(db_.error(code_));
}

Result<> Query::done() {
  for (;;) {
    BALCONY_ASSIGN(const bool row, next());
    if (!row) return {};
  }
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Query::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : "";
}

void Query::bind(int index, std::int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, index, value);
}

void Query::bind(int index, std::string_view text) {
  if (code_ != SQLITE_OK) return;
  // A null pointer would bind NULL.
  const char* data = text.data() ? text.data() : "";
  code_ = sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Query::bind(int index, Blob blob) {
  if (code_ != SQLITE_OK) return;
  const char* data = blob.bytes.data() ? blob.bytes.data() : "";
  code_ = sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_STATIC);
}

// ---- Connection

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path) {
  // Debian's SQLite reads "file:…" as a URI and ":…" as a memory database.
  const std::string file = path.starts_with('/') ? path : "./" + path;
  create_private(file);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &db,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  if (!db) return fail(Errc::kIo, "no memory for a database connection");
  std::unique_ptr<Connection> made(new Connection(db, path));
  if (code != SQLITE_OK) return fail(made->error(code));
  sqlite3_busy_timeout(db, kBusyMillisMax);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return made;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

Result<> Connection::script(const std::string& sql) {
  errno = 0;
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

sqlite3_stmt* Connection::prepare(const char* sql, int& code) {
  sqlite3_stmt*& statement = statements_[sql];
  if (!statement) {
    code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  BALCONY_ASSERT(!statement || !sqlite3_stmt_busy(statement), "a statement is run twice at once");
  return statement;
}

std::int64_t Connection::changes() const {
  return sqlite3_changes64(db_);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

Error Connection::error(int code) const {
  // SQLite does not note the system's error when a COMMIT fails; errno still has it.
  const int last_error = errno;
  const int noted_error = sqlite3_system_errno(db_);
  const int system_error = noted_error != 0 ? noted_error : last_error;
  const int primary = code & 0xff;
  const bool below = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  const bool full = primary == SQLITE_FULL || primary == SQLITE_READONLY ||
                    primary == SQLITE_PERM || (below && is_no_room(system_error));
  std::string detail = path_ + ": " + sqlite3_errmsg(db_);
  if (below && system_error != 0) detail += std::string(" (") + std::strerror(system_error) + ")";
  if (full) detail += "; make room on the disk, or make the folder and the file writable";
  return Error(full ? Errc::kDiskFull : Errc::kIo, std::move(detail));
}

}  // namespace balcony::storage
