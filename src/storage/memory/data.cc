#include "storage/memory/data.h"

#include "base/assert.h"

#include <ranges>

namespace balcony::storage {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

Result<> MemoryData::apply(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(Errc::kClosed, "the database is closed");
  undo_.clear();
  for (const auto& [owner, operation] : batch.entries) {
    Result<> done = perform(owner, operation);
    if (!done) {
      undo();
      ++counts_.failed;
      return done;
    }
  }
  ++counts_.batches;
  ++counts_.groups;
  counts_.rows += batch.entries.size();
  return {};
}

void MemoryData::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

Result<> MemoryData::perform(const std::string& owner, const Op& operation) {
  return std::visit(Overloaded{
                        [&](const op::Put& put) -> Result<> {
                          set_value(owner, put.store, put.key,
                                    Value{put.value, version(owner, put.store, put.key) + 1});
                          return {};
                        },
                        [&](const op::PutIfVersion& put) -> Result<> {
                          if (version(owner, put.store, put.key) != put.version) {
                            return fail(Errc::kVersion, "the key has another version");
                          }
                          set_value(owner, put.store, put.key, Value{put.value, put.version + 1});
                          return {};
                        },
                        [&](const op::Erase& erase) -> Result<> {
                          set_value(owner, erase.store, erase.key, std::nullopt);
                          return {};
                        },
                        [&](const op::EraseStore& erase) -> Result<> {
                          erase_store(owner, erase.store);
                          return {};
                        },
                        [&](const op::Append& append) -> Result<> {
                          BALCONY_ASSERT(!append.row.id.empty(), "an archive row has an id");
                          set_row(owner, append.store, append.row.id, append.row);
                          return {};
                        },
                        [&](const op::Replace& replace) -> Result<> {
                          const Bucket* found = bucket(owner, replace.store);
                          if (!found || !found->rows.contains(replace.id)) return {};
                          ArchiveRow row = found->rows.at(replace.id);
                          row.stanza = replace.stanza;
                          row.search = replace.search;
                          set_row(owner, replace.store, replace.id, std::move(row));
                          return {};
                        },
                        [&](const op::EraseRow& erase) -> Result<> {
                          set_row(owner, erase.store, erase.id, std::nullopt);
                          return {};
                        },
                        [&](const op::EraseUpTo& erase) -> Result<> {
                          erase_rows(owner, erase.store,
                                     [&](const ArchiveRow& row) { return row.id <= erase.id; });
                          return {};
                        },
                        [&](const op::EraseBefore& erase) -> Result<> {
                          erase_rows(owner, erase.store,
                                     [&](const ArchiveRow& row) { return row.when < erase.when; });
                          return {};
                        },
                        [&](const op::PutAccount& put) -> Result<> {
                          set_account({owner, put.account.user}, put.account);
                          return {};
                        },
                        [&](const op::EraseAccount& erase) -> Result<> {
                          set_account({owner, erase.user}, std::nullopt);
                          return {};
                        },
                        [&](const op::EraseOwner&) -> Result<> {
                          std::vector<std::string> names;
                          for (const auto& [store, owners] : stores_) {
                            if (owners.contains(owner)) names.push_back(store);
                          }
                          for (const std::string& store : names) erase_store(owner, store);
                          return {};
                        },
                    },
                    operation);
}

void MemoryData::set_value(const std::string& owner, const std::string& store,
                           const std::string& key, std::optional<Value> value) {
  auto& values = stores_[store][owner].values;
  std::optional<Value> old;
  if (const auto at = values.find(key); at != values.end()) old = std::move(at->second);
  if (value) {
    values[key] = *std::move(value);
  } else {
    values.erase(key);
    drop_if_empty(owner, store);
  }
  undo_.push_back([this, owner, store, key, old = std::move(old)]() mutable {
    set_value(owner, store, key, std::move(old));
  });
}

void MemoryData::set_row(const std::string& owner, const std::string& store, const std::string& id,
                         std::optional<ArchiveRow> row) {
  auto& rows = stores_[store][owner].rows;
  std::optional<ArchiveRow> old;
  if (const auto at = rows.find(id); at != rows.end()) old = std::move(at->second);
  if (row) {
    rows[id] = *std::move(row);
  } else {
    rows.erase(id);
    drop_if_empty(owner, store);
  }
  undo_.push_back([this, owner, store, id, old = std::move(old)]() mutable {
    set_row(owner, store, id, std::move(old));
  });
}

void MemoryData::set_account(const AccountKey& key, std::optional<Account> account) {
  std::optional<Account> old;
  if (const auto at = accounts_.find(key); at != accounts_.end()) old = std::move(at->second);
  if (account) {
    accounts_[key] = *std::move(account);
  } else {
    accounts_.erase(key);
  }
  undo_.push_back(
      [this, key, old = std::move(old)]() mutable { set_account(key, std::move(old)); });
}

void MemoryData::erase_store(const std::string& owner, const std::string& store) {
  erase_rows(owner, store, [](const ArchiveRow&) { return true; });
  const Bucket* found = bucket(owner, store);
  if (!found) return;
  std::vector<std::string> keys;
  for (const auto& [key, value] : found->values) keys.push_back(key);
  for (const std::string& key : keys) set_value(owner, store, key, std::nullopt);
}

template <class Gone>
void MemoryData::erase_rows(const std::string& owner, const std::string& store, Gone gone) {
  const Bucket* found = bucket(owner, store);
  if (!found) return;
  std::vector<std::string> ids;
  for (const auto& [id, row] : found->rows) {
    if (gone(row)) ids.push_back(id);
  }
  for (const std::string& id : ids) set_row(owner, store, id, std::nullopt);
}

void MemoryData::undo() {
  // Undoing notes its own undoing, which nobody wants.
  auto steps = std::exchange(undo_, {});
  for (auto& step : std::views::reverse(steps)) step();
  undo_.clear();
}

void MemoryData::drop_if_empty(const std::string& owner, const std::string& store) {
  const Bucket* found = bucket(owner, store);
  if (!found || !found->values.empty() || !found->rows.empty()) return;
  auto& owners = stores_.at(store);
  owners.erase(owner);
  if (owners.empty()) stores_.erase(store);
}

const MemoryData::Bucket* MemoryData::bucket(const std::string& owner,
                                             const std::string& store) const {
  const auto owners = stores_.find(store);
  if (owners == stores_.end()) return nullptr;
  const auto found = owners->second.find(owner);
  return found == owners->second.end() ? nullptr : &found->second;
}

std::uint64_t MemoryData::version(const std::string& owner, const std::string& store,
                                  const std::string& key) const {
  const Bucket* found = bucket(owner, store);
  if (!found) return 0;
  const auto at = found->values.find(key);
  return at == found->values.end() ? 0 : at->second.version;
}

}  // namespace balcony::storage
