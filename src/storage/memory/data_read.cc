// The reading half of the memory backend.
#include "storage/memory/data.h"
#include "storage/query.h"

#include <algorithm>
#include <ranges>

namespace balcony::storage {

std::optional<Value> MemoryData::get(const std::string& owner, const std::string& store,
                                     const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const Bucket* found = bucket(owner, store);
  if (!found) return std::nullopt;
  const auto at = found->values.find(key);
  return at == found->values.end() ? std::nullopt : std::optional(at->second);
}

std::vector<MapEntry> MemoryData::scan(const std::string& owner, const std::string& store,
                                       const std::string& prefix, const std::string& after,
                                       std::uint32_t limit) const {
  limit = std::clamp<std::uint32_t>(limit, 1, kScanEntriesMax);
  const std::lock_guard lock(mutex_);
  std::vector<MapEntry> entries;
  const Bucket* found = bucket(owner, store);
  if (!found) return entries;
  auto at = found->values.lower_bound(prefix);
  if (!after.empty() && after >= prefix) at = found->values.upper_bound(after);
  for (; at != found->values.end() && entries.size() < limit; ++at) {
    if (!at->first.starts_with(prefix)) break;
    entries.push_back({at->first, at->second});
  }
  return entries;
}

ArchivePage MemoryData::page(const std::string& owner, const std::string& store,
                             const ArchiveQuery& query) const {
  const std::uint32_t limit = std::clamp<std::uint32_t>(query.limit, 1, kPageRowsMax);
  const std::lock_guard lock(mutex_);
  ArchivePage page;
  page.complete = true;
  const Bucket* found = bucket(owner, store);
  if (!found) return page;
  // Returns false once it is known that there is more than the page holds.
  const auto take = [&](const ArchiveRow& row) {
    if (!matches(query, row)) return true;
    if (page.rows.size() == limit) return page.complete = false;
    page.rows.push_back(row);
    return true;
  };
  const auto begin =
      query.after.empty() ? found->rows.begin() : found->rows.upper_bound(query.after);
  const auto end = query.before.empty() ? found->rows.end() : found->rows.lower_bound(query.before);
  if (!query.after.empty() && !query.before.empty() && query.after >= query.before) return page;
  if (query.backwards) {
    for (auto at = end; at != begin && take(std::prev(at)->second);) --at;
    std::ranges::reverse(page.rows);
  } else {
    for (auto at = begin; at != end && take(at->second);) ++at;
  }
  return page;
}

std::uint64_t MemoryData::count(const std::string& owner, const std::string& store,
                                const ArchiveQuery& query) const {
  const std::lock_guard lock(mutex_);
  const Bucket* found = bucket(owner, store);
  if (!found) return 0;
  return static_cast<std::uint64_t>(std::ranges::count_if(found->rows, [&](const auto& entry) {
    const auto& [id, row] = entry;
    return id > query.after && (query.before.empty() || id < query.before) && matches(query, row);
  }));
}

std::optional<ArchiveRow> MemoryData::find(const std::string& owner, const std::string& store,
                                           const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const Bucket* found = bucket(owner, store);
  if (!found) return std::nullopt;
  const auto at = found->rows.find(id);
  return at == found->rows.end() ? std::nullopt : std::optional(at->second);
}

std::optional<ArchiveRow> MemoryData::find_origin(const std::string& owner,
                                                  const std::string& store, const std::string& with,
                                                  const std::string& origin_id) const {
  const std::lock_guard lock(mutex_);
  const Bucket* found = bucket(owner, store);
  if (!found || origin_id.empty()) return std::nullopt;
  for (const auto& [id, row] : std::views::reverse(found->rows)) {
    if (row.with == with && row.origin_id == origin_id) return row;
  }
  return std::nullopt;
}

std::vector<std::string> MemoryData::owners(const std::string& store, const std::string& after,
                                            std::uint32_t limit) const {
  limit = std::clamp<std::uint32_t>(limit, 1, kScanEntriesMax);
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  const auto owners = stores_.find(store);
  if (owners == stores_.end()) return names;
  auto at = owners->second.upper_bound(after);
  for (; at != owners->second.end() && names.size() < limit; ++at) names.push_back(at->first);
  return names;
}

std::optional<Account> MemoryData::account(const std::string& host, const std::string& user) const {
  const std::lock_guard lock(mutex_);
  const auto at = accounts_.find({host, user});
  return at == accounts_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<Account> MemoryData::accounts(const std::string& host, const std::string& after,
                                          std::uint32_t limit) const {
  limit = std::clamp<std::uint32_t>(limit, 1, kScanEntriesMax);
  const std::lock_guard lock(mutex_);
  std::vector<Account> found;
  auto at = accounts_.upper_bound({host, after});
  for (; at != accounts_.end() && found.size() < limit && at->first.first == host; ++at) {
    found.push_back(at->second);
  }
  return found;
}

Store::AccountCounts MemoryData::account_counts(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  Store::AccountCounts counts;
  auto at = accounts_.lower_bound({host, ""});
  for (; at != accounts_.end() && at->first.first == host; ++at) {
    counts.add(at->second);
  }
  return counts;
}

DatabaseCounts MemoryData::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace balcony::storage
