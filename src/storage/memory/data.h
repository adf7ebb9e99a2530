// The memory backend's data: three kinds in ordered maps behind one mutex, shared by all shards.
//
// From any thread: each call takes the mutex for its length. That is a lock in the path of every
// shard, which tests and `--demo` can afford; searching by text, time or origin id looks at every
// row of the owner.
#pragma once

#include "storage/storage.h"

#include <map>
#include <mutex>

namespace balcony::storage {

class MemoryData {
 public:
  // All of the batch, or nothing of it. Errors: kVersion; kClosed after close().
  Result<> apply(const Batch& batch);
  void close();

  // As the functions of Store.
  std::optional<Value> get(const std::string& owner, const std::string& store,
                           const std::string& key) const;
  std::vector<MapEntry> scan(const std::string& owner, const std::string& store,
                             const std::string& prefix, const std::string& after,
                             std::uint32_t limit) const;
  ArchivePage page(const std::string& owner, const std::string& store,
                   const ArchiveQuery& query) const;
  std::uint64_t count(const std::string& owner, const std::string& store,
                      const ArchiveQuery& query) const;
  std::optional<ArchiveRow> find(const std::string& owner, const std::string& store,
                                 const std::string& id) const;
  std::optional<ArchiveRow> find_origin(const std::string& owner, const std::string& store,
                                        const std::string& with,
                                        const std::string& origin_id) const;
  std::vector<std::string> owners(const std::string& store, const std::string& after,
                                  std::uint32_t limit) const;
  std::optional<Account> account(const std::string& host, const std::string& user) const;
  std::vector<Account> accounts(const std::string& host, const std::string& after,
                                std::uint32_t limit) const;
  Store::AccountCounts account_counts(const std::string& host) const;
  DatabaseCounts counts() const;

 private:
  struct Bucket {
    std::map<std::string, Value> values;
    std::map<std::string, ArchiveRow> rows;
  };
  using AccountKey = std::pair<std::string, std::string>;  // host, user

  // Every change is one of these; each notes how it is undone. `nullopt` removes.
  void set_value(const std::string& owner, const std::string& store, const std::string& key,
                 std::optional<Value> value);
  void set_row(const std::string& owner, const std::string& store, const std::string& id,
               std::optional<ArchiveRow> row);
  void set_account(const AccountKey& key, std::optional<Account> account);

  Result<> perform(const std::string& owner, const Op& operation);
  void erase_store(const std::string& owner, const std::string& store);
  template <class Gone>
  void erase_rows(const std::string& owner, const std::string& store, Gone gone);
  void undo();
  void drop_if_empty(const std::string& owner, const std::string& store);
  const Bucket* bucket(const std::string& owner, const std::string& store) const;
  std::uint64_t version(const std::string& owner, const std::string& store,
                        const std::string& key) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Bucket>> stores_;  // store -> owner -> contents
  std::map<AccountKey, Account> accounts_;
  std::vector<std::move_only_function<void()>> undo_;  // of the batch at hand
  DatabaseCounts counts_;
  bool closed_ = false;
};

}  // namespace balcony::storage
