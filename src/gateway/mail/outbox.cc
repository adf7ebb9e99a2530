#include "gateway/mail/outbox.h"

#include "base/log.h"

#include <algorithm>
#include <set>

namespace balcony::gateway::mail {
namespace {

std::int64_t in_milliseconds(WallTime time) {
  return time.time_since_epoch().count();
}

std::string key_of(const std::string& from, const std::string& to) {
  return from + '\n' + to;
}

}  // namespace

Outbox::Outbox(Loop& loop, Database& database, Submitter& submitter, OutboxLimits limits,
               OnFailed on_failed)
    : loop_(loop),
      database_(database),
      submitter_(submitter),
      limits_(limits),
      on_failed_(std::move(on_failed)),
      self_(std::make_shared<Outbox*>(this)) {}

Outbox::~Outbox() {
  *self_ = nullptr;
  loop_.cancel(timer_);
}

Result<> Outbox::open() {
  BALCONY_CHECK(database_.run(
      "CREATE TABLE IF NOT EXISTS outgoing (id INTEGER PRIMARY KEY, sender TEXT NOT NULL, "
      "recipient TEXT NOT NULL, user TEXT NOT NULL, contact TEXT NOT NULL, stanza TEXT NOT NULL, "
      "first INTEGER NOT NULL, mail BLOB NOT NULL)"));
  BALCONY_ASSIGN(const std::vector<Row> rows,
                 database_.query("SELECT id, sender, recipient, first FROM outgoing ORDER BY id"));
  for (const Row& row : rows) {
    Entry entry;
    entry.key = key_of(text(row[1]), text(row[2]));
    entry.first = number(row[3]);
    entry.next = loop_.clock().now();
    entries_.emplace(number(row[0]), std::move(entry));
  }
  if (!entries_.empty()) set_timer(loop_.clock().now());
  return {};
}

Result<> Outbox::add(const OutboxItem& item) {
  if (entries_.size() >= limits_.mails) {
    return fail(Errc::kResourceConstraint, "too much mail waits: try again later");
  }
  const std::string from = item.envelope.from ? item.envelope.from->str() : std::string();
  Entry entry;
  entry.key = key_of(from, item.envelope.to.str());
  entry.first = in_milliseconds(loop_.clock().wall());
  entry.next = loop_.clock().now();
  BALCONY_CHECK(database_.run(
      "INSERT INTO outgoing (sender, recipient, user, contact, stanza, first, mail) VALUES "
      "(?, ?, ?, ?, ?, ?, ?)",
      {from, item.envelope.to.str(), item.user, item.contact, item.stanza, entry.first,
       item.mail}));
  entries_.emplace(database_.last_id(), std::move(entry));
  work();
  return {};
}

// Begins what is due, oldest first; behind a mail that waits, those of the same pair wait too.
void Outbox::work() {
  const Instant now = loop_.clock().now();
  std::set<std::string_view> busy;
  Instant next = Instant::max();
  for (auto& [id, entry] : entries_) {
    const bool first_of_pair = busy.insert(entry.key).second;
    if (entry.under_way || !first_of_pair) continue;
    if (entry.next > now) {
      next = std::min(next, entry.next);
    } else if (under_way_ < limits_.parallel) {
      begin(id, entry);
    }
  }
  if (next != Instant::max()) set_timer(next);
}

void Outbox::set_timer(Instant at) {
  loop_.cancel(timer_);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(at - loop_.clock().now());
  timer_ = loop_.after(std::max(wait, std::chrono::milliseconds(1)), [this] {
    timer_ = 0;
    work();
  });
}

Result<OutboxItem> Outbox::load(std::int64_t id) {
  BALCONY_ASSIGN(
      const std::vector<Row> rows,
      database_.query(
          "SELECT sender, recipient, user, contact, stanza, mail FROM outgoing WHERE id = ?",
          {id}));
  if (rows.empty()) return fail(Errc::kNotFound, "this mail is gone");
  const Row& row = rows.front();
  std::optional<MailAddress> from;
  if (!text(row[0]).empty()) {
    BALCONY_ASSIGN(from, MailAddress::parse(text(row[0])));
  }
  BALCONY_ASSIGN(MailAddress to, MailAddress::parse(text(row[1])));
  OutboxItem item(Envelope(std::move(from), std::move(to)), text(row[5]));
  item.user = text(row[2]);
  item.contact = text(row[3]);
  item.stanza = text(row[4]);
  return item;
}

void Outbox::begin(std::int64_t id, Entry& entry) {
  auto item = load(id);
  entry.under_way = true;
  ++under_way_;
  if (!item) {
    // What cannot be read is left out, after this turn: work() is going through the entries.
    loop_.post([self = self_, id] {
      if (*self) (*self)->done(id, {SubmissionOutcome::Kind::kTaken, 0, ""});
    });
    return;
  }
  submitter_.submit(std::move(item->envelope), std::move(item->mail),
                    [self = self_, id](const SubmissionOutcome& outcome) {
                      if (*self) (*self)->done(id, outcome);
                    });
}

void Outbox::done(std::int64_t id, const SubmissionOutcome& outcome) {
  using Kind = SubmissionOutcome::Kind;
  Entry& entry = entries_.at(id);
  entry.under_way = false;
  --under_way_;
  const std::chrono::milliseconds age(in_milliseconds(loop_.clock().wall()) - entry.first);
  if (outcome.kind == Kind::kPassing && age < limits_.retry_for) {
    entry.wait = entry.wait.count() == 0 ? kFirstWait : std::min(entry.wait * 2, kLongestWait);
    entry.next = loop_.clock().now() + entry.wait;
    log_info("mail waits", {{"mail", id}, {"code", outcome.code}, {"why", outcome.text}});
    return work();
  }
  if (outcome.kind != Kind::kTaken) {
    const auto item = load(id);
    if (item) on_failed_(*item, error_of(outcome));
  }
  finish(id);
  work();
}

void Outbox::finish(std::int64_t id) {
  // One that cannot be removed is sent twice after a restart, which the log tells.
  (void)database_.run("DELETE FROM outgoing WHERE id = ?", {id});
  entries_.erase(id);
}

}  // namespace balcony::gateway::mail
