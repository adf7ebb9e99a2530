#include "storage/sqlite/store.h"

#include "storage/query.h"
#include "storage/sqlite/hash.h"

#include <algorithm>

namespace balcony::storage {

Ticket SqliteStore::commit(Batch batch) {
  if (batch.entries.empty()) return 0;
  const Ticket ticket = shard_->issue();
  Result<> queued = writer_.push(shard_, ticket, std::move(batch));
  if (!queued) shard_->settle_later(ticket, std::move(queued));
  return ticket;
}

// ---- how a question travels

template <class T>
Task<Result<T>> SqliteStore::go_on(Work<T> work) {
  auto slot = std::make_shared<OneShot<Result<T>>>();
  ReaderQueue::Work job = [shard = shard_, set = setter(slot),
                           ask = std::move(work)](Reader& reader) mutable {
    shard->post([set, answer = ask(reader)]() mutable { set(std::move(answer)); });
  };
  BALCONY_CO_CHECK(readers_.run(std::move(job)));
  OneShot<Result<T>>& answer = *slot;
  co_return co_await answer;
}

template <class T>
Task<Result<T>> SqliteStore::read(Work<T> work) {
  co_await shard_->settled();
  co_return co_await go_on<T>(std::move(work));
}

template <class State>
Task<Result<>> SqliteStore::in_steps(std::shared_ptr<State> state,
                                     Result<bool> (*step)(Reader&, State&)) {
  for (bool more = true; more;) {
    Work<bool> work = [state, step](Reader& reader) { return step(reader, *state); };
    BALCONY_CO_ASSIGN(more, co_await go_on<bool>(std::move(work)));
  }
  co_return Result<>();
}

Task<Result<>> SqliteStore::searchable() {
  auto slot = std::make_shared<OneShot<Result<>>>();
  writer_.index([shard = shard_, set = setter(slot)](Result<> done) {
    shard->post([set, outcome = std::move(done)]() mutable { set(std::move(outcome)); });
  });
  OneShot<Result<>>& done = *slot;
  co_return co_await done;
}

Task<Result<>> SqliteStore::walk(std::shared_ptr<ArchiveScan> scan, bool words) {
  co_await shard_->settled();
  if (words) BALCONY_CO_CHECK(co_await searchable());
  co_return co_await in_steps<ArchiveScan>(
      std::move(scan), [](Reader& reader, ArchiveScan& each) { return each.step(reader); });
}

// ---- map

Task<Result<std::optional<Value>>> SqliteStore::get(std::string owner, std::string store,
                                                    std::string key) {
  return read<std::optional<Value>>(
      [owner = std::move(owner), store = std::move(store), key = std::move(key)](Reader& reader) {
        return reader.get(owner, store, key);
      });
}

Task<Result<std::vector<MapEntry>>> SqliteStore::scan(std::string owner, std::string store,
                                                      std::string prefix, std::string after,
                                                      std::uint32_t limit) {
  return read<std::vector<MapEntry>>(
      [owner = std::move(owner), store = std::move(store), prefix = std::move(prefix),
       after = std::move(after),
       limit](Reader& reader) { return reader.scan(owner, store, prefix, after, limit); });
}

Task<Result<std::vector<std::string>>> SqliteStore::owners(std::string store, std::string after,
                                                           std::uint32_t limit) {
  auto so_far = std::make_shared<OwnersSoFar>();
  so_far->store = std::move(store);
  so_far->position = std::move(after);
  so_far->limit = limit;
  co_await shard_->settled();
  BALCONY_CO_CHECK(co_await in_steps<OwnersSoFar>(
      so_far, [](Reader& reader, OwnersSoFar& each) { return reader.owners_step(each); }));
  co_return std::move(so_far->found);
}

// ---- archive

Task<Result<ArchivePage>> SqliteStore::page(std::string owner, std::string store,
                                            ArchiveQuery query) {
  const std::uint32_t limit = std::clamp<std::uint32_t>(query.limit, 1, kPageRowsMax);
  const bool backwards = query.backwards;
  const bool words = !query.search.empty();
  auto page = std::make_shared<ArchivePage>();
  page->complete = true;
  const auto visit = [page, limit, with = query.with](Reader& reader,
                                                      const ThinRow& thin) -> Result<bool> {
    BALCONY_ASSIGN(auto row, reader.load(thin));
    // The hash alone must not give away the messages of another.
    if (!row || (!with.empty() && row->with != with)) return true;
    if (page->rows.size() == limit) return page->complete = false;
    page->rows.push_back(*std::move(row));
    return true;
  };
  auto scan =
      std::make_shared<ArchiveScan>(std::move(owner), std::move(store), std::move(query), visit);
  BALCONY_CO_CHECK(co_await walk(std::move(scan), words));
  if (backwards) std::ranges::reverse(page->rows);
  co_return std::move(*page);
}

Task<Result<std::uint64_t>> SqliteStore::count(std::string owner, std::string store,
                                               ArchiveQuery query) {
  const bool words = !query.search.empty();
  auto rows = std::make_shared<std::uint64_t>(0);
  // The hash of `with` decides alone: a wrong number for two JIDs that were made to collide is
  // worth not reading every stanza.
  const auto visit = [rows](Reader&, const ThinRow&) -> Result<bool> {
    ++*rows;
    return true;
  };
  auto scan =
      std::make_shared<ArchiveScan>(std::move(owner), std::move(store), std::move(query), visit);
  BALCONY_CO_CHECK(co_await walk(std::move(scan), words));
  co_return *rows;
}

Task<Result<std::optional<ArchiveRow>>> SqliteStore::find(std::string owner, std::string store,
                                                          std::string id) {
  return read<std::optional<ArchiveRow>>(
      [owner = std::move(owner), store = std::move(store), id = std::move(id)](Reader& reader) {
        return reader.find(owner, store, id);
      });
}

Task<Result<std::optional<ArchiveRow>>> SqliteStore::find_origin(std::string owner,
                                                                 std::string store,
                                                                 std::string with,
                                                                 std::string origin_id) {
  auto found = std::make_shared<std::optional<ArchiveRow>>();
  if (origin_id.empty()) co_return std::optional<ArchiveRow>();
  const auto visit = [found, with, origin_id](Reader& reader, const ThinRow& thin) -> Result<bool> {
    BALCONY_ASSIGN(auto row, reader.load(thin));
    if (!row || row->with != with || row->origin_id != origin_id) return true;
    *found = std::move(row);
    return false;
  };
  // Backwards: what is asked for is nearly always recent.
  ArchiveQuery query;
  query.with = with;
  query.backwards = true;
  auto scan = std::make_shared<ArchiveScan>(std::move(owner), std::move(store), std::move(query),
                                            visit, text_hash(origin_id));
  BALCONY_CO_CHECK(co_await walk(std::move(scan), false));
  co_return std::move(*found);
}

// ---- accounts

Task<Result<std::optional<Account>>> SqliteStore::account(std::string host, std::string user) {
  return read<std::optional<Account>>([host = std::move(host), user = std::move(user)](
                                          Reader& reader) { return reader.account(host, user); });
}

Task<Result<std::vector<Account>>> SqliteStore::accounts(std::string host, std::string after,
                                                         std::uint32_t limit) {
  return read<std::vector<Account>>(
      [host = std::move(host), after = std::move(after), limit](Reader& reader) {
        return reader.accounts(host, after, limit);
      });
}

Task<Result<Store::AccountCounts>> SqliteStore::account_counts(std::string host) {
  auto so_far = std::make_shared<AccountCountsSoFar>();
  so_far->host = std::move(host);
  co_await shard_->settled();
  BALCONY_CO_CHECK(co_await in_steps<AccountCountsSoFar>(
      so_far,
      [](Reader& reader, AccountCountsSoFar& each) { return reader.account_counts_step(each); }));
  co_return std::move(so_far->counts);
}

}  // namespace balcony::storage
