// The writer: the one that changes the file. It takes the batches of all shards from a queue and
// commits them in groups, one transaction each, so that many share one fsync; a group is what came
// in while the last one went to the disk.
//
// push() and index() from any thread; the work runs in a WorkerPool with one thread.
#pragma once

#include "storage/shard.h"
#include "storage/sqlite/apply.h"
#include "storage/sqlite/reserve.h"
#include "storage/sqlite/tally.h"

#include <condition_variable>

namespace balcony::storage {

class Writer {
 public:
  // `checkpoint` asks for a checkpoint elsewhere; called on the writer's thread.
  Writer(Connection& db, const SqliteOptions& options, WorkerPool& pool, Tally& tally,
         Job checkpoint);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Reads what is kept in memory. Call once, before anything else.
  Result<> load();

  // Queues a batch; its outcome is posted to the shard's loop. Errors: kOverloaded, kClosed.
  Result<> push(std::shared_ptr<Shard> shard, Ticket ticket, Batch batch);

  // Brings the full-text index up to what is committed now, then calls `done` on the writer's
  // thread. Errors: kOverloaded, kClosed, kDiskFull, kIo.
  void index(Done done);

  // Waits until everything is committed and reported; refuses more from then on.
  void close();

 private:
  struct Pending {
    std::shared_ptr<Shard> shard;
    Ticket ticket;
    Batch batch;
    Result<> outcome;
  };
  using Group = std::vector<Pending>;

  void schedule(std::unique_lock<std::mutex> lock);
  void drain();
  Group take_group();
  void commit(Group& group);
  Result<> attempt(Group& group, bool erasing_only);
  // Which batches have a savepoint each: those that may fail alone, or all.
  enum class Apart : std::uint8_t { kConditional, kAll };
  Result<> commit_all(Group& group, bool erasing_only, Apart apart);
  Result<> apply_alone(Pending& pending);
  void fail_all(Group& group, const Error& error);
  void report(Group group);
  void index_step();
  void note_full(const Error& error);
  void note(const Result<>& done, bool erasing_only);
  bool may_try();
  static int log_pages_max(std::uint64_t reserve_bytes);
  void watch_log_size();
  bool empty_log();

  Connection& db_;
  const std::uint32_t group_rows_max_;
  const std::uint32_t queue_batches_max_;
  WorkerPool& pool_;
  Tally& tally_;
  Job checkpoint_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<Pending> queue_;
  std::vector<Done> searching_;
  bool scheduled_ = false;  // a drain() is queued or runs
  bool closed_ = false;

  // The writer's thread only.
  Applier applier_;
  Reserve reserve_;
  bool failing_ = false;
  bool full_ = false;
  Error why_full_{Errc::kDiskFull};
  // Pages of the write-ahead log: after the last commit; at most, when all goes well; when the next
  // checkpoint is asked for; and when emptying it here, which failed, is tried again.
  int log_pages_ = 0;
  int log_pages_max_;
  int checkpoint_at_pages_;
  int empty_again_at_pages_ = 0;
};

}  // namespace balcony::storage
