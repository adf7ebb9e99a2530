// One shard's handle on a SQLite database. See storage/storage.h for what it does.
#pragma once

#include "storage/shard.h"
#include "storage/sqlite/archive_scan.h"
#include "storage/sqlite/reader_queue.h"
#include "storage/sqlite/writer.h"

namespace balcony::storage {

class SqliteStore final : public Store {
 public:
  SqliteStore(Loop& loop, Writer& writer, ReaderQueue& readers)
      : shard_(std::make_shared<Shard>(loop)), writer_(writer), readers_(readers) {}
  ~SqliteStore() override { shard_->detach(); }

  Ticket commit(Batch batch) override;
  void when(Ticket ticket, Done done) override { shard_->when(ticket, std::move(done)); }
  Ticket busy_until() const override { return shard_->busy_until(); }

  Task<Result<std::optional<Value>>> get(std::string owner, std::string store,
                                         std::string key) override;
  Task<Result<std::vector<MapEntry>>> scan(std::string owner, std::string store, std::string prefix,
                                           std::string after, std::uint32_t limit) override;
  Task<Result<ArchivePage>> page(std::string owner, std::string store, ArchiveQuery query) override;
  Task<Result<std::uint64_t>> count(std::string owner, std::string store,
                                    ArchiveQuery query) override;
  Task<Result<std::optional<ArchiveRow>>> find(std::string owner, std::string store,
                                               std::string id) override;
  Task<Result<std::optional<ArchiveRow>>> find_origin(std::string owner, std::string store,
                                                      std::string with,
                                                      std::string origin_id) override;
  Task<Result<std::vector<std::string>>> owners(std::string store, std::string after,
                                                std::uint32_t limit) override;
  Task<Result<std::optional<Account>>> account(std::string host, std::string user) override;
  Task<Result<std::vector<Account>>> accounts(std::string host, std::string after,
                                              std::uint32_t limit) override;
  Task<Result<AccountCounts>> account_counts(std::string host) override;

 private:
  template <class T>
  using Work = std::move_only_function<Result<T>(Reader&)>;

  // Does the work on the reader's thread, after this Store's commits.
  template <class T>
  Task<Result<T>> read(Work<T> work);
  // The same without waiting for commits: the next step of something.
  template <class T>
  Task<Result<T>> go_on(Work<T> work);
  // Repeats `step` until it has nothing more to do. `State` must outlive a coroutine that is
  // dropped while the reader works, so it is shared.
  template <class State>
  Task<Result<>> in_steps(std::shared_ptr<State> state, Result<bool> (*step)(Reader&, State&));
  // The full-text index knows every row of this Store's commits.
  Task<Result<>> searchable();
  Task<Result<>> walk(std::shared_ptr<ArchiveScan> scan, bool words);

  std::shared_ptr<Shard> shard_;
  Writer& writer_;
  ReaderQueue& readers_;
};

}  // namespace balcony::storage
