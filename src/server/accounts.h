// Accounts: keys for logging in, passwords, creation and removal. One a shard; what is asked for an
// account is done on the account's home shard, hashing in the worker pool (decision 0009).
#pragma once

#include "base/clock.h"
#include "router/accounts.h"
#include "sasl/scram_keys.h"
#include "server/recent.h"
#include "server/shard_context.h"

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace balcony::server {

// The keys of all hashes for a password: about 15 ms at 10 000 iterations. Errors: as
// sasl::derive_keys().
Result<std::vector<storage::ScramKeys>> derive_all_keys(std::string_view password,
                                                        std::uint32_t iterations, Random& random);
storage::ScramKeys to_storage(const sasl::ScramKeys& keys);
std::optional<sasl::ScramKeys> from_storage(const storage::ScramKeys& keys);

// The hashes for which an account has no keys, or some with fewer iterations.
std::vector<sasl::ScramHash> hashes_to_renew(const storage::Account& account,
                                             std::uint32_t iterations);

struct LoginKeys {
  std::optional<sasl::ScramKeys> keys;  // null: no such account, or none for the hash
  bool disabled = false;                // to be told only to who proves to have the keys
};

class AccountService final : public router::Accounts {
 public:
  explicit AccountService(ShardContext& context);

  // The keys of an account for SCRAM. Waits as long as the account's recent failures have earned.
  // Errors: of the storage.
  Task<Result<LoginKeys>> keys(Jid account, sasl::ScramHash hash);

  // Whether this is the account's password (PLAIN). An unknown account takes as long as a known
  // one. Errors: kSaslAccountDisabled when it is, kOverloaded when the hashing queue is full,
  // storage errors.
  Task<Result<bool>> verify(Jid account, std::string password);

  // Whether there is such an account, for who has proved otherwise that it is his. Waits as keys()
  // does. Errors: kSaslAccountDisabled, storage errors.
  Task<Result<bool>> may_log_in(Jid account);

  // The outcome of an attempt, for slowing down.
  void attempt_failed(const Jid& account);
  void attempt_succeeded(const Jid& account);

  // Keeps the account as it is, but lets nobody in, or lets him in again. Who is in stays: see
  // end_sessions(). Errors: kItemNotFound, kResourceConstraint while it is being changed, storage
  // errors.
  Task<Result<>> set_disabled(Jid account, bool disabled);
  // Whether who gets into the account has changed since `then` (a password, disabled, removed), or
  // is being changed: what was verified before does not count any more. At its home; of the last
  // 10 000 accounts that were changed.
  bool changed_since(const Jid& account, Instant then);

  Task<Result<>> create(Jid account, std::string password) override;
  Task<Result<>> set_password(Jid account, std::string password) override;
  Task<Result<>> remove(Jid account, std::function<void()> when_removed = {}) override;
  Task<Result<bool>> exists(Jid account) override;
  Task<bool> admit_registration(std::string address, std::int64_t per_hour) override;

  // Stores keys that were made elsewhere. Which hashes are offered is not counted anew: call
  // refresh_offer() after the last of many. Errors: kConflict (kCreate) when the account exists;
  // storage errors.
  enum class Put : std::uint8_t { kCreate, kReplace, kCreateOrReplace };
  Task<Result<>> put_keys(Jid account, std::vector<storage::ScramKeys> keys, Put how);

  // Gives the account keys for one hash (XEP-0480 §3), and counts anew which hashes are offered.
  // Keys that are there stay as they are, unless they have fewer iterations. Errors: kItemNotFound,
  // kResourceConstraint, storage errors.
  Task<Result<>> add_keys(Jid account, sasl::ScramKeys keys);

  // Counts anew which hashes every account of the host has keys for, and with which iterations.
  Task<> refresh_offer(std::string domain);

 private:
  struct Verified {
    std::string account;
    std::string digest;  // keyed: HMAC(process key, account NUL password)
    Instant until{};
  };

  ShardContext& home_of(const Jid& account);
  Task<Result<std::optional<storage::Account>>> find(Jid account);
  Task<Result<LoginKeys>> keys_at_home(Jid account, sasl::ScramHash hash);
  Task<Result<bool>> may_log_in_at_home(Jid account);
  Task<Result<bool>> verify_at_home(Jid account, std::string password);
  Task<Result<>> store_password(Jid account, std::string password, Put how);
  Task<Result<>> store_keys(Jid account, std::vector<storage::ScramKeys> keys, Put how);
  Task<Result<>> write_keys(Jid account, std::vector<storage::ScramKeys> keys, Put how);
  Task<Result<>> write_disabled(Jid account, bool disabled);
  inline static const Error kBusy{Errc::kResourceConstraint,
                                  "the account is being changed; try again"};
  // Awaits `write` while nobody else writes the account; `busy` is the error when somebody does.
  Task<Result<>> alone(Jid account, Task<Result<>> write, Error busy = kBusy);
  // Awaits `write`, which changes who gets into an account that is there. See changed_since().
  Task<Result<>> change(Jid account, Task<Result<>> write);
  Task<Result<>> add_keys_at_home(Jid account, sasl::ScramKeys keys);
  Task<Result<>> merge_keys(Jid account, sasl::ScramKeys keys);
  Task<> renew(Jid account, const storage::Account& found, const sasl::ScramKeys& verified,
               std::string password);
  Task<Result<>> replace_keys(Jid account, std::string verified_key,
                              std::vector<storage::ScramKeys> keys);
  // As refresh_offer(), for changes that many accounts make one after the other: while one counting
  // is under way, a second waits for it and stands for all others.
  Task<> refresh_offer_soon(std::string domain);
  Task<Result<>> remove_at_home(Jid account, std::function<void()> when_removed);
  Task<Result<>> erase(Jid account, std::function<void()> when_removed);

  std::string digest(const Jid& account, std::string_view password) const;
  bool was_verified(const Jid& account, std::string_view digest);
  void remember(const Jid& account, std::string digest);
  void forget(const Jid& account);

  ShardContext& context_;
  // Accounts that are read to be written now: two who make the same one must not both succeed, and
  // a change must not bring back one that is being removed.
  std::set<std::string, std::less<>> busy_;
  Recent<Instant> changed_;  // when; Instant::max(): now
  // Hosts whose offer is being counted, and whether it has to be once more.
  std::map<std::string, bool, std::less<>> counting_;
  std::string cache_key_;
  std::list<Verified> verified_;  // newest first; bounded
  std::unordered_map<std::string_view, std::list<Verified>::iterator> verified_by_account_;
};

}  // namespace balcony::server
