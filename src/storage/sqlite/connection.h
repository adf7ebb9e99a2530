// A connection to one SQLite file, its prepared statements and its errors as ours.
//
// Used by the writer and the reader of this folder, each with a connection of its own. One thread
// at a time.
#pragma once

#include <balcony/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace balcony::storage {

class Connection;

// Binds as a blob; a string_view binds as text.
struct Blob {
  std::string_view bytes;
};

// Sorts after every text (https://sqlite.org/datatype3.html §4.1): an upper bound that is none.
inline constexpr Blob kAfterAllText{};

// One run of a prepared statement. What was bound must live as long; so must the Connection. The
// statement is free again when the Query goes.
class Query {
 public:
  Query(Connection& db, const char* sql);
  template <class... Values>
    requires(sizeof...(Values) > 0)
  Query(Connection& db, const char* sql, const Values&... values) : Query(db, sql) {
    int index = 0;
    (bind(++index, values), ...);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  // Goes to the next row; false when there is none.
  Result<bool> next();
  // Runs a statement to its end.
  Result<> done();

  // Calls `visit` at each row that is left.
  template <class Visit>
  Result<> each(Visit visit) {
    for (;;) {
      BALCONY_ASSIGN(const bool row, next());
      if (!row) return {};
      visit();
    }
  }

  // Columns of the current row, from 0.
  std::int64_t integer(int column) const;
  std::string text(int column) const;  // text or blob

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);

  Connection& db_;
  sqlite3_stmt* statement_;
  int code_;  // of preparing or binding, told by next()
};

class Connection {
 public:
  // The only competitor of a connection is a checkpoint of ours, which is over soon.
  static constexpr int kBusyMillisMax = 10'000;

  // Opens or creates the file, readable by its owner only. Errors: kIo, kDiskFull with the path.
  static Result<std::unique_ptr<Connection>> open(const std::string& path);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs statements without parameters and results.
  Result<> script(const std::string& sql);

  // Begins a statement with its parameters, bound in order. `sql` must be a literal: statements are
  // kept by its address.
  template <class... Values>
  Query query(const char* sql, const Values&... values) {
    return Query(*this, sql, values...);
  }
  // The same for a statement without rows.
  template <class... Values>
  Result<> execute(const char* sql, const Values&... values) {
    return query(sql, values...).done();
  }

  // Rows changed by the last statement.
  std::int64_t changes() const;
  bool in_transaction() const;
  // The error of the last call that failed, mapped to kDiskFull or kIo.
  Error error(int code) const;
  sqlite3* raw() { return db_; }

 private:
  friend class Query;
  Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3_stmt* prepare(const char* sql, int& code);

  sqlite3* db_;
  std::string path_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace balcony::storage
