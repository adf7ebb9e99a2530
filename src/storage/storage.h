// What is kept: the interface that every backend implements and every module uses.
//
// Three kinds, and no other (decision 0006); a new feature needs no new schema:
//   accounts  (host, user) -> Account: SCRAM keys, never passwords
//   map       (owner, store, key) -> value with a version
//   archive   (owner, store, id) -> stanza with `with`, time, origin id, search text; ordered by id
// An `owner` is a bare JID (a user, a room) or a host. A `store` is a module's short fixed name,
// such as "roster" or "offline".
//
// A Store is one shard's handle on a Database: everything is called, and every answer comes, on
// that shard's loop; nothing blocks it. Writing is one call, commit(): it returns a ticket at once
// and reports later, after the group that it went into is committed (fsync'ed with durability
// "disk"). Tickets of one Store commit in their order. A read sees every commit() that was made
// before it through the same Store.
//
// Errors of reads and commits: kDiskFull (no room, or read-only; tried again at the next commit,
// heals by itself), kVersion (PutIfVersion met another version: nothing of the batch was done),
// kIo (anything else below), kOverloaded (the queue of commits or reads is full: nothing was done),
// kClosed (a commit after close(); in SQLite a read too).
//
// A row or account that cannot be read is left out, logged and counted (counts().corrupt): nothing
// that is stored can stop a server.
#pragma once

#include "base/clock.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace balcony {
class Loop;
class WorkerPool;
}  // namespace balcony

namespace balcony::storage {

// ---- accounts ----

// What a server keeps of a password for one SCRAM hash (RFC 5802 §3). Bytes, not base64.
struct ScramKeys {
  std::string hash;  // "SHA-1", "SHA-256", "SHA-512"
  std::uint32_t iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;
};

struct Account {
  std::string user;  // prepared localpart
  std::vector<ScramKeys> keys;
  WallTime created{};
  bool disabled = false;
};

// ---- writing ----

struct ArchiveRow {
  // By archive_id() or the caller's, never empty; ordered as bytes, unique in (owner, store).
  std::string id;
  std::string with;  // bare JID of the other side
  WallTime when{};
  std::string origin_id;  // may be empty
  std::string stanza;     // XML that stands alone
  std::string search;     // text for full-text search; may be empty
};

namespace op {
struct Put {
  std::string store, key, value;
};
// Succeeds only if the key's version is `version` (0: the key must not exist).
struct PutIfVersion {
  std::string store, key, value;
  std::uint64_t version;
};
struct Erase {
  std::string store, key;
};  // a key that is not there is no error
struct EraseStore {
  std::string store;
};  // all keys and all rows of one store of the owner
struct Append {
  std::string store;
  ArchiveRow row;
};  // an id that is there already: the row is replaced
// The row's stanza and search text, of which a retraction must leave nothing. An unknown id is no
// error.
struct Replace {
  std::string store, id, stanza, search;
};
struct EraseRow {
  std::string store, id;
};
struct EraseUpTo {
  std::string store, id;
};  // all rows up to and including this id
struct EraseBefore {
  std::string store;
  WallTime when;
};
struct PutAccount {
  Account account;
};  // owner: the host. Adds or replaces
struct EraseAccount {
  std::string user;
};  // owner: the host. Only the account
struct EraseOwner {};  // everything of the owner in map and archive
}  // namespace op

using Op = std::variant<op::Put, op::PutIfVersion, op::Erase, op::EraseStore, op::Append,
                        op::Replace, op::EraseRow, op::EraseUpTo, op::EraseBefore, op::PutAccount,
                        op::EraseAccount, op::EraseOwner>;

// What is written together or not at all. Most batches have one owner; removing an account needs
// two (host and user).
struct Batch {
  struct Entry {
    std::string owner;
    Op op;
  };
  std::vector<Entry> entries;

  Batch& add(std::string_view owner, Op operation) {
    entries.push_back({std::string(owner), std::move(operation)});
    return *this;
  }
};

// Names a commit of one Store, from 1. 0: the batch was empty, there is nothing to wait for.
using Ticket = std::uint64_t;
using Done = std::move_only_function<void(Result<>)>;

// ---- reading ----

struct Value {
  std::string value;
  std::uint64_t version = 0;  // 1 after the first put, one more with each
};

struct MapEntry {
  std::string key;
  Value value;
};

struct ArchiveQuery {
  std::string after;                   // only ids greater than this; empty: from the first
  std::string before;                  // only ids less than this; empty: to the last
  std::string with;                    // only this other side; empty: all
  std::optional<WallTime> start, end;  // only rows with start <= when <= end
  // Only rows whose search text has all these words, in any case and order; empty: all. A text
  // without a word in it ("?!") matches nothing; of many words the first 64 count.
  std::string search;
  std::uint32_t limit = 50;  // 1 to 1 000
  bool backwards =
      false;  // the last `limit` rows instead of the first; rows still come in order of id
};

struct ArchivePage {
  std::vector<ArchiveRow> rows;
  bool complete = false;  // nothing matches beyond these rows in the direction asked
};

class Store {
 public:
  virtual ~Store() = default;

  // Queues the batch. Never blocks, never fails at once: the report says how it went. Call when()
  // for the ticket in the same turn of the loop, or it may be too late to learn of a failure.
  // Erasing many rows holds up everybody's commits (about 100 000 rows a second): do it in steps.
  virtual Ticket commit(Batch batch) = 0;
  // Calls `done` once the ticket is committed or has failed; at once for 0 and for one that is long
  // committed. Reports come in the order of the tickets, posted to the loop. A handle that is
  // destroyed drops those that wait.
  virtual void when(Ticket ticket, Done done) = 0;
  // commit() and when() for a coroutine.
  Task<Result<>> write(Batch batch);
  // 0 while the disk keeps up; else a ticket: who can make others wait (a stream that need not be
  // read now) waits for it before he brings more, so that the queue of commits never fills.
  virtual Ticket busy_until() const = 0;

  virtual Task<Result<std::optional<Value>>> get(std::string owner, std::string store,
                                                 std::string key) = 0;
  // Entries whose key starts with `prefix` and is greater than `after`, in order of key; at most
  // `limit` (1 to 10 000): fewer mean that there are no more.
  virtual Task<Result<std::vector<MapEntry>>> scan(std::string owner, std::string store,
                                                   std::string prefix, std::string after,
                                                   std::uint32_t limit) = 0;
  virtual Task<Result<ArchivePage>> page(std::string owner, std::string store,
                                         ArchiveQuery query) = 0;
  // How many rows match, ignoring `limit`.
  virtual Task<Result<std::uint64_t>> count(std::string owner, std::string store,
                                            ArchiveQuery query) = 0;
  virtual Task<Result<std::optional<ArchiveRow>>> find(std::string owner, std::string store,
                                                       std::string id) = 0;
  virtual Task<Result<std::optional<ArchiveRow>>> find_origin(std::string owner, std::string store,
                                                              std::string with,
                                                              std::string origin_id) = 0;
  // Owners that have something in `store` (of either kind), in order, greater than `after`.
  virtual Task<Result<std::vector<std::string>>> owners(std::string store, std::string after,
                                                        std::uint32_t limit) = 0;

  virtual Task<Result<std::optional<Account>>> account(std::string host, std::string user) = 0;
  // In order of user, greater than `after`.
  virtual Task<Result<std::vector<Account>>> accounts(std::string host, std::string after,
                                                      std::uint32_t limit) = 0;
  // How many accounts the host has, how many of them have keys for each hash, and the least
  // iterations among those; in order of the hashes' names.
  struct AccountCounts {
    std::uint64_t accounts = 0;
    std::vector<std::pair<std::string, std::uint64_t>> with_keys;
    std::vector<std::pair<std::string, std::uint32_t>> iterations_min;

    // Counts one account.
    void add(const Account& account);
  };
  virtual Task<Result<AccountCounts>> account_counts(std::string host) = 0;
};

// For metrics and `doctor`; numbers since the database was opened.
struct DatabaseCounts {
  std::uint64_t batches = 0;  // committed
  std::uint64_t rows = 0;     // operations in them
  std::uint64_t groups = 0;   // transactions that they shared
  std::uint64_t failed = 0;   // batches that were not committed
  std::uint64_t corrupt = 0;  // rows and accounts that could not be read and were left out
  bool disk_full = false;     // now
};

// One database for the whole server. open() is called once per shard; from any thread.
class Database {
 public:
  virtual ~Database() = default;
  // A handle for the shard of `loop`. Loop and Database must outlive it.
  virtual std::unique_ptr<Store> open(Loop& loop) = 0;
  // Waits until everything that was committed through any handle is durable; then refuses more.
  // Blocks: for the end.
  virtual void close() = 0;
  // From any thread.
  virtual DatabaseCounts counts() const = 0;
};

// In memory, gone with the process: tests and `--demo`.
std::unique_ptr<Database> make_memory_database();

enum class Durability : std::uint8_t {
  kDisk,     // a committed batch survives power loss
  kProcess,  // … survives the death of the process
};

struct SqliteOptions {
  std::string path;  // of the database file; its folder must exist
  Durability durability = Durability::kDisk;
  std::uint32_t group_rows_max = 1'000;  // rows in one transaction at most
  // Batches that wait for the disk; more are kOverloaded. Each shard is told to wait at 3 000, so
  // this is for thirty of them.
  std::uint32_t queue_batches_max = 100'000;
  // Of a file that is given back when the disk is full, so that erasing still works; 0: none. It
  // also bounds the write-ahead log: 16 MiB is best.
  std::uint64_t reserve_bytes = 16 << 20;
};

// Opens or creates the database and migrates its schema. `writer` and `reader` have one thread
// each, checkpoints run in `reader`. They must outlive the Database and run until close() is over.
// Blocks: for the start. Errors: kIo or kDiskFull with
// the path and what to do; kVersion when a newer Balcony wrote the file.
Result<std::unique_ptr<Database>> open_sqlite_database(const SqliteOptions& options,
                                                       balcony::WorkerPool& writer,
                                                       balcony::WorkerPool& reader);

// A new archive id: 18 characters of [-0-9A-Z_a-z] whose bytes sort by time, unique across shards
// and nodes (decision 0006). Ids of one thread sort in the order in which they were made, also
// within a millisecond and when the clock goes back by up to 5 s; an import passes the time of the
// old message. From any thread.
std::string archive_id(WallTime now);

// What sorts before every archive_id() of this time or later and after the older ones, as far as
// the clock was not set back: for ArchiveQuery::after, before and EraseUpTo. From any thread.
std::string archive_position(WallTime time);

// Whether a text can be an archive_id() that was made until `now`: a client that names one has a
// place in the archive, also when the row is gone. Pure.
bool is_archive_id(std::string_view text, WallTime now);

}  // namespace balcony::storage
