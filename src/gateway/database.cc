#include "gateway/database.h"

#include "base/log.h"

#include <sqlite3.h>

namespace balcony::gateway {
namespace {

Error error_of(sqlite3* handle, std::string_view sql) {
  const int code = handle ? sqlite3_errcode(handle) : SQLITE_NOMEM;
  const std::string why = handle ? sqlite3_errmsg(handle) : "out of memory";
  log_warning("gateway database", {{"error", why}, {"statement", sql}});
  return Error(code == SQLITE_FULL || code == SQLITE_READONLY ? Errc::kDiskFull : Errc::kIo,
               "the gateway's database: " + why);
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

void bind_all(sqlite3_stmt* statement, const std::vector<Cell>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    if (const auto* value = std::get_if<std::int64_t>(&parameters[i])) {
      sqlite3_bind_int64(statement, at, *value);
    } else {
      const std::string& value_text = std::get<std::string>(parameters[i]);
      sqlite3_bind_text64(statement, at, value_text.data(), value_text.size(), SQLITE_STATIC,
                          SQLITE_UTF8);
    }
  }
}

Row read_row(sqlite3_stmt* statement) {
  Row row;
  const int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; ++i) {
    if (sqlite3_column_type(statement, i) == SQLITE_INTEGER) {
      row.emplace_back(static_cast<std::int64_t>(sqlite3_column_int64(statement, i)));
      continue;
    }
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
    row.emplace_back(bytes ? std::string(bytes, size) : std::string());
  }
  return row;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (opened != SQLITE_OK) {
    return fail(Errc::kIo,
                "cannot open " + path + ": " + (handle ? sqlite3_errmsg(handle) : "out of memory"));
  }
  sqlite3_busy_timeout(handle, 1'000);
  for (const std::string_view pragma :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON"}) {
    BALCONY_CHECK(database->run(pragma));
  }
  return database;
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Result<> Database::run(std::string_view sql, std::vector<Cell> parameters) {
  const auto rows = query(sql, std::move(parameters));
  if (!rows) return fail(rows.error());
  return {};
}

Result<std::vector<Row>> Database::query(std::string_view sql, std::vector<Cell> parameters) {
  sqlite3_stmt* raw = nullptr;
  const int prepared =
      sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  const StatementPtr statement(raw);
  if (prepared != SQLITE_OK) return fail(error_of(handle_, sql));
  bind_all(statement.get(), parameters);
  std::vector<Row> rows;
  for (;;) {
    const int step = sqlite3_step(statement.get());
    if (step == SQLITE_DONE) return rows;
    if (step != SQLITE_ROW) return fail(error_of(handle_, sql));
    rows.push_back(read_row(statement.get()));
  }
}

std::int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

}  // namespace balcony::gateway
