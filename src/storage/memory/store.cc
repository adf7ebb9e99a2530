// The memory backend: a commit is done at once and reported in a later turn, and a read always
// suspends, so that what was written against it also holds against a disk.
#include "storage/memory/data.h"
#include "storage/shard.h"

namespace balcony::storage {
namespace {

class MemoryStore final : public Store {
 public:
  MemoryStore(Loop& loop, std::shared_ptr<MemoryData> data)
      : shard_(std::make_shared<Shard>(loop)), data_(std::move(data)) {}
  ~MemoryStore() override { shard_->detach(); }

  Ticket commit(Batch batch) override {
    if (batch.entries.empty()) return 0;
    const Ticket ticket = shard_->issue();
    shard_->settle_later(ticket, data_->apply(batch));
    return ticket;
  }

  void when(Ticket ticket, Done done) override { shard_->when(ticket, std::move(done)); }
  Ticket busy_until() const override { return shard_->busy_until(); }

  Task<Result<std::optional<Value>>> get(std::string owner, std::string store,
                                         std::string key) override {
    co_await quiet();
    co_return data_->get(owner, store, key);
  }
  Task<Result<std::vector<MapEntry>>> scan(std::string owner, std::string store, std::string prefix,
                                           std::string after, std::uint32_t limit) override {
    co_await quiet();
    co_return data_->scan(owner, store, prefix, after, limit);
  }
  Task<Result<ArchivePage>> page(std::string owner, std::string store,
                                 ArchiveQuery query) override {
    co_await quiet();
    co_return data_->page(owner, store, query);
  }
  Task<Result<std::uint64_t>> count(std::string owner, std::string store,
                                    ArchiveQuery query) override {
    co_await quiet();
    co_return data_->count(owner, store, query);
  }
  Task<Result<std::optional<ArchiveRow>>> find(std::string owner, std::string store,
                                               std::string id) override {
    co_await quiet();
    co_return data_->find(owner, store, id);
  }
  Task<Result<std::optional<ArchiveRow>>> find_origin(std::string owner, std::string store,
                                                      std::string with,
                                                      std::string origin_id) override {
    co_await quiet();
    co_return data_->find_origin(owner, store, with, origin_id);
  }
  Task<Result<std::vector<std::string>>> owners(std::string store, std::string after,
                                                std::uint32_t limit) override {
    co_await quiet();
    co_return data_->owners(store, after, limit);
  }
  Task<Result<std::optional<Account>>> account(std::string host, std::string user) override {
    co_await quiet();
    co_return data_->account(host, user);
  }
  Task<Result<std::vector<Account>>> accounts(std::string host, std::string after,
                                              std::uint32_t limit) override {
    co_await quiet();
    co_return data_->accounts(host, after, limit);
  }
  Task<Result<AccountCounts>> account_counts(std::string host) override {
    co_await quiet();
    co_return data_->account_counts(host);
  }

 private:
  Task<> quiet() {
    co_await shard_->settled();
    co_await shard_->turn();
  }

  std::shared_ptr<Shard> shard_;
  std::shared_ptr<MemoryData> data_;
};

class MemoryDatabase final : public Database {
 public:
  std::unique_ptr<Store> open(Loop& loop) override {
    return std::make_unique<MemoryStore>(loop, data_);
  }
  void close() override { data_->close(); }
  DatabaseCounts counts() const override { return data_->counts(); }

 private:
  std::shared_ptr<MemoryData> data_ = std::make_shared<MemoryData>();
};

}  // namespace

std::unique_ptr<Database> make_memory_database() {
  return std::make_unique<MemoryDatabase>();
}

}  // namespace balcony::storage
