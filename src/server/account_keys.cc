// Keys that change while the password stays: for one hash, computed by a client (XEP-0480 §3), and
// renewed at a login that shows the password, when the configuration asks for more than the account
// has.
#include "server/accounts.h"
#include "server/hop.h"

#include "base/log.h"
#include "base/random.h"

#include <algorithm>
#include <memory>

namespace balcony::server {

Task<Result<>> AccountService::add_keys(Jid account, sasl::ScramKeys keys) {
  ShardContext& home = home_of(account);
  const auto shared = std::make_shared<sasl::ScramKeys>(std::move(keys));
  return run_on<Result<>>(context_.shard, home.shard,
                          [service = home.accounts.get(), account, shared] {
                            return service->add_keys_at_home(account, *shared);
                          });
}

Task<Result<>> AccountService::add_keys_at_home(Jid account, sasl::ScramKeys keys) {
  Task<Result<>> merging = merge_keys(account, std::move(keys));
  BALCONY_CO_CHECK(co_await alone(account, std::move(merging)));
  co_await refresh_offer_soon(std::string(account.domain()));
  co_return Result<>{};
}

Task<Result<>> AccountService::merge_keys(Jid account, sasl::ScramKeys keys) {
  BALCONY_CO_ASSIGN(std::optional<storage::Account> found, co_await find(account));
  if (!found) co_return fail(Errc::kItemNotFound, "there is no such account");
  const auto there =
      std::ranges::find(found->keys, sasl::to_string(keys.hash), &storage::ScramKeys::hash);
  if (there == found->keys.end()) {
    found->keys.push_back(to_storage(keys));
  } else if (there->iterations < keys.iterations) {
    *there = to_storage(keys);
  } else {
    co_return Result<>{};
  }
  storage::Batch batch;
  batch.add(account.domain(), storage::op::PutAccount{*std::move(found)});
  co_return co_await context_.store->write(std::move(batch));
}

// ---- renewal at login

std::vector<sasl::ScramHash> hashes_to_renew(const storage::Account& account,
                                             std::uint32_t iterations) {
  std::vector<sasl::ScramHash> hashes;
  for (const sasl::ScramHash hash : sasl::kScramHashes) {
    const auto there =
        std::ranges::find(account.keys, sasl::to_string(hash), &storage::ScramKeys::hash);
    if (there == account.keys.end() || there->iterations < iterations) hashes.push_back(hash);
  }
  return hashes;
}

// `verified`: the keys that the password was just found to fit. What cannot be renewed now is at
// the next login; nobody is kept out for it.
Task<> AccountService::renew(Jid account, const storage::Account& found,
                             const sasl::ScramKeys& verified, std::string password) {
  const auto iterations = static_cast<std::uint32_t>(context_.config->auth.iterations);
  const std::vector<sasl::ScramHash> hashes = hashes_to_renew(found, iterations);
  if (hashes.empty()) co_return;
  using Keys = std::vector<storage::ScramKeys>;
  std::function<Keys()> job = [password, hashes, iterations] {
    Keys made;
    for (const sasl::ScramHash hash : hashes) {
      // With a salt of its own for each (RFC 5802 §4).
      auto keys = sasl::derive_keys(hash, password, system_random(), iterations);
      if (keys) made.push_back(to_storage(*keys));
    }
    return made;
  };
  auto made = co_await run_in<Keys>(context_.shard, *context_.shared.hash_pool, std::move(job));
  sasl::wipe(password);
  if (!made) co_return;
  Task<Result<>> replacing = replace_keys(account, verified.stored_key, *std::move(made));
  const Result<> written = co_await alone(account, std::move(replacing));
  if (!written) {
    log_warning("keys were not renewed",
                {{"jid", account.str()}, {"error", written.error().to_string()}});
    co_return;
  }
  log_info("keys renewed", {{"jid", account.str()}, {"iterations", iterations}});
  co_await refresh_offer_soon(std::string(account.domain()));
}

// The password may have been changed while its keys were computed: `verified_key` must still be one
// of the account's.
Task<Result<>> AccountService::replace_keys(Jid account, std::string verified_key,
                                            std::vector<storage::ScramKeys> keys) {
  BALCONY_CO_ASSIGN(std::optional<storage::Account> found, co_await find(account));
  const bool is_same =
      found && std::ranges::find(found->keys, verified_key, &storage::ScramKeys::stored_key) !=
                   found->keys.end();
  if (!is_same) co_return fail(Errc::kConflict, "the password was changed meanwhile");
  for (storage::ScramKeys& each : keys) {
    std::erase_if(found->keys, [&each](const auto& old) { return old.hash == each.hash; });
    found->keys.push_back(std::move(each));
  }
  storage::Batch batch;
  batch.add(account.domain(), storage::op::PutAccount{*std::move(found)});
  co_return co_await context_.store->write(std::move(batch));
}

}  // namespace balcony::server
