#include "gateway/contacts.h"

namespace balcony::gateway {

Result<Contacts> Contacts::open(Database& database, std::size_t per_user_max) {
  BALCONY_CHECK(
      database.run("CREATE TABLE IF NOT EXISTS contact (user TEXT NOT NULL, address TEXT NOT NULL, "
                   "PRIMARY KEY (user, address)) WITHOUT ROWID"));
  return Contacts(database, per_user_max);
}

std::int64_t Contacts::count(std::string_view sql, std::vector<Cell> parameters) {
  const auto rows = database_->query(sql, std::move(parameters));
  return rows && !rows->empty() ? number(rows->front().front()) : 0;
}

Result<> Contacts::add(std::string_view user, std::string_view address) {
  if (has(user, address)) return {};
  const auto there = count("SELECT count(*) FROM contact WHERE user = ?", {std::string(user)});
  if (static_cast<std::size_t>(there) >= per_user_max_) {
    return fail(Errc::kResourceConstraint, "you have as many contacts here as may be");
  }
  return database_->run("INSERT INTO contact (user, address) VALUES (?, ?)",
                        {std::string(user), std::string(address)});
}

void Contacts::remove(std::string_view user, std::string_view address) {
  // A failure is in the log; the contact then stays one until it is removed again.
  (void)database_->run("DELETE FROM contact WHERE user = ? AND address = ?",
                       {std::string(user), std::string(address)});
}

bool Contacts::has(std::string_view user, std::string_view address) {
  return count("SELECT count(*) FROM contact WHERE user = ? AND address = ?",
               {std::string(user), std::string(address)}) > 0;
}

bool Contacts::has_any(std::string_view user) {
  return count("SELECT EXISTS (SELECT 1 FROM contact WHERE user = ?)", {std::string(user)}) > 0;
}

std::vector<Contacts::Pair> Contacts::page(const Pair& after, std::size_t most) {
  std::vector<Pair> pairs;
  const auto rows = database_->query(
      "SELECT user, address FROM contact WHERE (user, address) > (?, ?) ORDER BY user, address "
      "LIMIT ?",
      {after.first, after.second, static_cast<std::int64_t>(most)});
  if (!rows) return pairs;
  for (const Row& row : *rows) pairs.emplace_back(text(row[0]), text(row[1]));
  return pairs;
}

}  // namespace balcony::gateway
