#include "storage/sqlite/writer.h"

#include "base/log.h"

#include <sqlite3.h>

#include <algorithm>

namespace balcony::storage {
namespace {

constexpr std::size_t kSearchesMax = 1'000;
// Of the texts in one transaction: the write-ahead log has to stay small beside the reserve.
constexpr std::size_t kGroupBytesMax = 1 << 20;

// Only gives room back: done even when the disk is full.
bool is_erasing(const Batch& batch) {
  return std::ranges::all_of(batch.entries, [](const Batch::Entry& entry) {
    return std::visit(
        []<class Operation>(const Operation&) {
          return !std::is_same_v<Operation, op::Put> &&
                 !std::is_same_v<Operation, op::PutIfVersion> &&
                 !std::is_same_v<Operation, op::Append> &&
                 !std::is_same_v<Operation, op::Replace> &&
                 !std::is_same_v<Operation, op::PutAccount>;
        },
        entry.op);
  });
}

// What comes true or not by what is stored: such a batch fails without harm to the others.
bool is_conditional(const Batch& batch) {
  return std::ranges::any_of(batch.entries, [](const Batch::Entry& entry) {
    return std::holds_alternative<op::PutIfVersion>(entry.op);
  });
}

std::size_t text_bytes(const Batch& batch) {
  std::size_t bytes = 0;
  for (const Batch::Entry& entry : batch.entries) {
    if (const auto* append = std::get_if<op::Append>(&entry.op)) {
      bytes += append->row.stanza.size() + append->row.search.size();
    } else if (const auto* put = std::get_if<op::Put>(&entry.op)) {
      bytes += put->value.size();
    }
  }
  return bytes;
}

}  // namespace

Writer::Writer(Connection& db, const SqliteOptions& options, WorkerPool& pool, Tally& tally,
               Job checkpoint)
    : db_(db),
      group_rows_max_(std::max(options.group_rows_max, 1U)),
      queue_batches_max_(options.queue_batches_max),
      pool_(pool),
      tally_(tally),
      checkpoint_(std::move(checkpoint)),
      applier_(db),
      reserve_(options.path + ".reserve", options.reserve_bytes),
      log_pages_max_(log_pages_max(options.reserve_bytes)),
      checkpoint_at_pages_(log_pages_max_ / 2) {
  sqlite3_wal_hook(
      db_.raw(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Writer*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

Writer::~Writer() {
  sqlite3_wal_hook(db_.raw(), nullptr, nullptr);
}

Result<> Writer::load() {
  if (!reserve_.create()) {
    log_warning("disk almost full", {{"reserve", "could not be made"}});
  }
  return applier_.load();
}

// ---- any thread

Result<> Writer::push(std::shared_ptr<Shard> shard, Ticket ticket, Batch batch) {
  std::unique_lock lock(mutex_);
  if (closed_) return fail(Errc::kClosed, "the database is closed");
  if (queue_.size() >= queue_batches_max_) {
    return fail(Errc::kOverloaded, "too many commits wait for the disk");
  }
  queue_.push_back({std::move(shard), ticket, std::move(batch), {}});
  schedule(std::move(lock));
  return {};
}

void Writer::index(Done done) {
  std::unique_lock lock(mutex_);
  if (!closed_ && searching_.size() < kSearchesMax) {
    searching_.push_back(std::move(done));
    return schedule(std::move(lock));
  }
  const Errc code = closed_ ? Errc::kClosed : Errc::kOverloaded;
  lock.unlock();
  done(fail(code, "no search is taken on now"));
}

void Writer::schedule(std::unique_lock<std::mutex> lock) {
  if (std::exchange(scheduled_, true)) return;
  // A pool may run the job at once, and that takes the mutex.
  lock.unlock();
  if (pool_.try_post([this] { drain(); })) return;
  lock.lock();
  Group refused(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_.clear();
  std::vector<Done> searches = std::exchange(searching_, {});
  scheduled_ = false;
  idle_.notify_all();
  lock.unlock();
  const Error error(Errc::kOverloaded, "the writer's pool is full");
  fail_all(refused, error);
  report(std::move(refused));
  for (Done& done : searches) done(fail(error));
}

void Writer::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  idle_.wait(lock, [this] { return !scheduled_; });
}

// ---- the writer's thread

void Writer::drain() {
  for (;;) {
    Group group = take_group();
    if (!group.empty()) {
      commit(group);
      report(std::move(group));
      watch_log_size();
    }
    index_step();
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && searching_.empty()) {
      scheduled_ = false;
      idle_.notify_all();
      return;
    }
  }
}

Writer::Group Writer::take_group() {
  const std::lock_guard lock(mutex_);
  Group group;
  std::size_t rows = 0;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    rows += queue_.front().batch.entries.size();
    bytes += text_bytes(queue_.front().batch);
    if (!group.empty() && (rows > group_rows_max_ || bytes > kGroupBytesMax)) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void Writer::commit(Group& group) {
  bool erasing_only = !may_try();
  Result<> done = attempt(group, erasing_only);
  const auto full = [&] { return !done && done.error().code == Errc::kDiskFull; };
  // First the log may be what fills the disk, and emptying it is enough; then all that is left is
  // to erase with the room of the reserve.
  for (int tries = 0; full() && tries < 2; ++tries) {
    note_full(done.error());
    erasing_only = tries > 0 || !may_try();
    done = attempt(group, erasing_only);
  }
  if (!done) fail_all(group, done.error());
  note(done, erasing_only);
  for (const Pending& each : group) {
    (each.outcome ? tally_.batches : tally_.failed).fetch_add(1);
    if (each.outcome) tally_.rows.fetch_add(each.batch.entries.size());
  }
}

Result<> Writer::attempt(Group& group, bool erasing_only) {
  Result<> done = commit_all(group, erasing_only, Apart::kConditional);
  // A batch that cannot be written must not take the others with it: which one it is shows when
  // each has its savepoint. That costs a copy of each page that it changes, hence not at once.
  if (!done && done.error().code != Errc::kDiskFull) {
    done = commit_all(group, erasing_only, Apart::kAll);
  }
  if (done) tally_.groups.fetch_add(1);
  return done;
}

Result<> Writer::commit_all(Group& group, bool erasing_only, Apart apart) {
  BALCONY_CHECK(db_.execute("BEGIN IMMEDIATE"));
  Result<> done;
  for (Pending& each : group) {
    if (erasing_only && !is_erasing(each.batch)) {
      each.outcome = fail(why_full_);
    } else if (apart == Apart::kAll || is_conditional(each.batch)) {
      done = apply_alone(each);
    } else {
      done = each.outcome = applier_.apply(each.batch);
    }
    if (!done) break;
  }
  if (done) done = db_.execute("COMMIT");
  if (!done) {
    if (db_.in_transaction()) static_cast<void>(db_.execute("ROLLBACK"));
    applier_.rolled_back();
  }
  return done;
}

// One batch in its savepoint: what only concerns the batch becomes its outcome, what concerns all
// is returned.
Result<> Writer::apply_alone(Pending& pending) {
  BALCONY_CHECK(db_.execute("SAVEPOINT batch"));
  pending.outcome = applier_.apply(pending.batch);
  if (pending.outcome) return db_.execute("RELEASE batch");
  // SQLite ends the transaction itself after the worst errors
  // (https://sqlite.org/c3ref/c_abort.html and lang_transaction.html §3): then there is nothing
  // left to go on with.
  if (pending.outcome.error().code == Errc::kDiskFull || !db_.in_transaction()) {
    return pending.outcome;
  }
  applier_.rolled_back();
  BALCONY_CHECK(db_.execute("ROLLBACK TO batch"));
  return db_.execute("RELEASE batch");
}

void Writer::fail_all(Group& group, const Error& error) {
  for (Pending& each : group) each.outcome = fail(error);
}

void Writer::report(Group group) {
  // One post a loop. Shards are few, so looking along the list is the fastest. A batch goes back to
  // the thread that made it: memory that another thread gives back makes both wait for each other.
  struct Outcome {
    Ticket ticket;
    Result<> result;
    Batch batch;
  };
  using Outcomes = std::vector<Outcome>;
  std::vector<std::pair<std::shared_ptr<Shard>, Outcomes>> shards;
  for (Pending& each : group) {
    auto at = std::ranges::find(shards, each.shard, [](const auto& entry) { return entry.first; });
    if (at == shards.end()) at = shards.insert(at, {std::move(each.shard), {}});
    at->second.push_back({each.ticket, std::move(each.outcome), std::move(each.batch)});
  }
  for (auto& [shard, outcomes] : shards) {
    shard->post([shard, told = std::move(outcomes)]() mutable {
      for (Outcome& each : told) shard->settle(each.ticket, std::move(each.result));
      shard->report();
    });
  }
}

void Writer::index_step() {
  {
    const std::lock_guard lock(mutex_);
    if (searching_.empty()) return;
  }
  // The index must not take the room that is left for erasing.
  const Result<bool> complete = full_ ? fail(why_full_) : applier_.search().step(db_);
  if (complete && !*complete) return;
  std::vector<Done> told;
  {
    const std::lock_guard lock(mutex_);
    told = std::exchange(searching_, {});
  }
  for (Done& done : told) done(complete ? Result<>() : fail(complete.error()));
  watch_log_size();
}

}  // namespace balcony::storage
