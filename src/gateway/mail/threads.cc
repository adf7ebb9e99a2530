#include "gateway/mail/threads.h"

#include <algorithm>

namespace balcony::gateway::mail {
namespace {

std::string joined(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += (out.empty() ? "" : " ") + id;
  return out;
}

std::vector<std::string> split(std::string_view ids) {
  std::vector<std::string> out;
  while (!ids.empty()) {
    const std::size_t end = std::min(ids.find(' '), ids.size());
    if (end > 0) out.emplace_back(ids.substr(0, end));
    ids.remove_prefix(std::min(end + 1, ids.size()));
  }
  return out;
}

}  // namespace

Result<Threads> Threads::open(Database& database, std::size_t per_user_max) {
  BALCONY_CHECK(database.run(
      "CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, user "
      "TEXT NOT NULL, address TEXT NOT NULL, thread TEXT NOT NULL, stanza TEXT NOT NULL, subject "
      "TEXT NOT NULL, refs TEXT NOT NULL, resource TEXT NOT NULL, at INTEGER NOT NULL, ours "
      "INTEGER NOT NULL)"));
  BALCONY_CHECK(
      database.run("CREATE INDEX IF NOT EXISTS mail_message_id ON mail (message_id, user)"));
  BALCONY_CHECK(database.run("CREATE INDEX IF NOT EXISTS mail_user ON mail (user, address, id)"));
  return Threads(database, per_user_max);
}

Result<> Threads::add(const ThreadedMail& mail) {
  BALCONY_CHECK(database_->run(
      "INSERT INTO mail (message_id, user, address, thread, stanza, subject, refs, resource, at, "
      "ours) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {mail.message_id, mail.user, mail.address, mail.thread, mail.stanza, mail.subject,
       joined(mail.references), mail.resource, mail.at, std::int64_t{mail.ours}}));
  return database_->run(
      "DELETE FROM mail WHERE user = ?1 AND id <= (SELECT id FROM mail WHERE user = ?1 ORDER BY id "
      "DESC LIMIT 1 OFFSET ?2)",
      {mail.user, static_cast<std::int64_t>(per_user_max_)});
}

std::optional<ThreadedMail> Threads::find(std::string_view where, std::vector<Cell> parameters) {
  const auto rows = database_->query(
      "SELECT message_id, user, address, thread, stanza, subject, refs, resource, at, ours FROM "
      "mail WHERE " +
          std::string(where) + " ORDER BY id DESC LIMIT 1",
      std::move(parameters));
  if (!rows || rows->empty()) return std::nullopt;
  const Row& row = rows->front();
  return ThreadedMail{text(row[0]),   text(row[1]),       text(row[2]),        text(row[3]),
                      text(row[4]),   text(row[5]),       split(text(row[6])), text(row[7]),
                      number(row[8]), number(row[9]) != 0};
}

std::optional<ThreadedMail> Threads::by_message_id(std::string_view user,
                                                   std::string_view message_id) {
  return find("message_id = ? AND user = ?", {std::string(message_id), std::string(user)});
}

bool Threads::is_ours(std::string_view message_id) {
  return find("message_id = ? AND ours = 1", {std::string(message_id)}).has_value();
}

std::optional<ThreadedMail> Threads::by_stanza(std::string_view user, std::string_view address,
                                               std::string_view stanza) {
  return find("user = ? AND address = ? AND stanza = ?",
              {std::string(user), std::string(address), std::string(stanza)});
}

std::optional<ThreadedMail> Threads::last_in(std::string_view user, std::string_view address,
                                             std::string_view thread) {
  return find("user = ? AND address = ? AND thread = ?",
              {std::string(user), std::string(address), std::string(thread)});
}

std::optional<ThreadedMail> Threads::last(std::string_view user, std::string_view address) {
  return find("user = ? AND address = ?", {std::string(user), std::string(address)});
}

bool Threads::has_written(std::string_view user, std::string_view address) {
  return find("user = ? AND address = ? AND ours = 1", {std::string(user), std::string(address)})
      .has_value();
}

}  // namespace balcony::gateway::mail
