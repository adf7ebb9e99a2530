// Turns the operations of a batch into SQL.
//
// Used by the writer, on its thread, inside a transaction that the writer begins and ends.
#pragma once

#include "storage/sqlite/connection.h"
#include "storage/sqlite/search_index.h"
#include "storage/storage.h"

namespace balcony::storage {

class Applier {
 public:
  explicit Applier(Connection& db) : db_(db) {}

  // Reads what it keeps in memory. Call once.
  Result<> load();

  // All operations of the batch, or an error: then what was done must be rolled back, and
  // rolled_back() called. Errors: kVersion, kDiskFull, kIo.
  Result<> apply(const Batch& batch);
  void rolled_back();

  SearchIndex& search() { return search_; }

 private:
  struct Place {
    std::int64_t owner, store;
  };
  using Names = std::unordered_map<std::string, std::int64_t>;

  Result<> perform(const std::string& owner, const op::Put& put);
  Result<> perform(const std::string& owner, const op::PutIfVersion& put);
  Result<> perform(const std::string& owner, const op::Erase& erase);
  Result<> perform(const std::string& owner, const op::EraseStore& erase);
  Result<> perform(const std::string& owner, const op::Append& append);
  Result<> perform(const std::string& owner, const op::Replace& replace);
  Result<> perform(const std::string& owner, const op::EraseRow& erase);
  Result<> perform(const std::string& owner, const op::EraseUpTo& erase);
  Result<> perform(const std::string& owner, const op::EraseBefore& erase);
  Result<> perform(const std::string& host, const op::PutAccount& put);
  Result<> perform(const std::string& host, const op::EraseAccount& erase);
  Result<> perform(const std::string& owner, const op::EraseOwner& erase);

  // The numbers of the names; place() makes them where they are new, find_place() does not.
  Result<Place> place(const std::string& owner, const std::string& store);
  Result<std::optional<Place>> find_place(const std::string& owner, const std::string& store);

  // Rows with first <= id <= last (any text up to a blob) that are older than `before`.
  template <class Last>
  Result<> erase_rows(Place place, std::string_view first, const Last& last, std::int64_t before);

  Connection& db_;
  SearchIndex search_;
  Names owners_;
  Names stores_;
  // Stanza numbers are never used twice, or a new row would pass for an indexed one.
  std::int64_t last_stanza_ = 0;
};

}  // namespace balcony::storage
