// Mail that is on its way out: kept in the gateway's database until the submission server has taken
// it, refused it, or its time is over. What waited when the process ended is tried again at the
// next start, under its Message-ID.
//
// Mails of one sender to one address go one after the other, in their order; a queue that is full
// refuses. On the gateway's loop.
#pragma once

#include "base/loop.h"
#include "gateway/database.h"
#include "gateway/mail/submission.h"

#include <balcony/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace balcony::gateway::mail {

// What came of a mail; `stanza` and `user` are as given to add().
struct OutboxItem {
  OutboxItem(Envelope envelope_, std::string mail_)
      : envelope(std::move(envelope_)), mail(std::move(mail_)) {}

  Envelope envelope;
  std::string mail;
  // Who hears of a failure: the sender's full JID, the JID of the address, and the message's id.
  // Without a user nobody does.
  std::string user;
  std::string contact;
  std::string stanza;
};

struct OutboxLimits {
  std::size_t mails = 1'000;
  std::chrono::seconds retry_for{4 * 60 * 60};
  std::size_t parallel = 4;
};

class Outbox {
 public:
  // Called once for each mail that could not be sent, on the loop.
  using OnFailed = std::move_only_function<void(const OutboxItem& item, Error why)>;

  Outbox(Loop& loop, Database& database, Submitter& submitter, OutboxLimits limits,
         OnFailed on_failed);
  // Nothing is called any more; what waits stays in the database.
  ~Outbox();

  // Makes the table where it is missing, and takes up what waits. Errors: kIo, kDiskFull.
  Result<> open();
  // Keeps the mail and begins to send it. Errors: kResourceConstraint: the queue is full; kIo,
  // kDiskFull.
  Result<> add(const OutboxItem& item);

  std::size_t size() const noexcept { return entries_.size(); }

  // First after a minute, then twice as long each time, at most every half hour.
  static constexpr std::chrono::milliseconds kFirstWait = std::chrono::minutes(1);
  static constexpr std::chrono::milliseconds kLongestWait = std::chrono::minutes(30);

 private:
  struct Entry {
    std::string key;  // sender and recipient: one at a time
    Instant next{};
    std::int64_t first = 0;  // milliseconds of wall time
    std::chrono::milliseconds wait{0};
    bool under_way = false;
  };

  void work();
  void begin(std::int64_t id, Entry& entry);
  void done(std::int64_t id, const SubmissionOutcome& outcome);
  void finish(std::int64_t id);
  Result<OutboxItem> load(std::int64_t id);
  void set_timer(Instant at);

  Loop& loop_;
  Database& database_;
  Submitter& submitter_;
  const OutboxLimits limits_;
  OnFailed on_failed_;
  std::map<std::int64_t, Entry> entries_;  // in their order
  std::size_t under_way_ = 0;
  TimerId timer_ = 0;
  // Gone with the outbox: who comes back later finds nobody.
  std::shared_ptr<Outbox*> self_;
};

}  // namespace balcony::gateway::mail
