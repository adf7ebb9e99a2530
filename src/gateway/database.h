// A small SQLite file for what a gateway must not forget: contacts, threads, mail that waits.
//
// The one place in gateway/ that knows SQLite is database.cc. Statements take some 20 µs, commits
// are not synced (the file survives the end of the process, and is never torn by power loss), so it
// is used on the gateway's own thread, which serves nobody else.
#pragma once

#include <balcony/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct sqlite3;

namespace balcony::gateway {

// One value of a row or of a parameter. Texts and blobs are both strings.
using Cell = std::variant<std::int64_t, std::string>;
using Row = std::vector<Cell>;

inline std::int64_t number(const Cell& cell) {
  const auto* value = std::get_if<std::int64_t>(&cell);
  return value ? *value : 0;
}
inline const std::string& text(const Cell& cell) {
  static const std::string kNone;
  const auto* value = std::get_if<std::string>(&cell);
  return value ? *value : kNone;
}

class Database {
 public:
  // Opens or makes the file; ":memory:" for tests. Errors: kIo, kDiskFull.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement. Errors: kIo, kDiskFull; a log line says which.
  Result<> run(std::string_view sql, std::vector<Cell> parameters = {});
  // Runs one statement and returns its rows.
  Result<std::vector<Row>> query(std::string_view sql, std::vector<Cell> parameters = {});
  // The id of the row that was inserted last.
  std::int64_t last_id() const;

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace balcony::gateway
