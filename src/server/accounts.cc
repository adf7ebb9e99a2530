#include "server/accounts.h"

#include "base/random.h"
#include "server/beat.h"
#include "server/hop.h"
#include "server/login_tokens.h"

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace balcony::server {
namespace {

constexpr std::size_t kVerifiedMax = 10'000;
constexpr std::size_t kChangedMax = 10'000;

// What the pool found: whether it fits.
using Verdict = std::optional<bool>;

const Error kTaken(Errc::kConflict, "the account exists");

}  // namespace

storage::ScramKeys to_storage(const sasl::ScramKeys& keys) {
  return {std::string(sasl::to_string(keys.hash)), keys.iterations, keys.salt, keys.stored_key,
          keys.server_key};
}

std::optional<sasl::ScramKeys> from_storage(const storage::ScramKeys& keys) {
  const auto hash = sasl::scram_hash(keys.hash);
  if (!hash) return std::nullopt;
  return sasl::ScramKeys{*hash, keys.iterations, keys.salt, keys.stored_key, keys.server_key};
}

Result<std::vector<storage::ScramKeys>> derive_all_keys(std::string_view password,
                                                        std::uint32_t iterations, Random& random) {
  std::vector<storage::ScramKeys> all;
  for (const sasl::ScramHash hash : sasl::kScramHashes) {
    BALCONY_ASSIGN(const sasl::ScramKeys keys,
                   sasl::derive_keys(hash, password, random, iterations));
    all.push_back(to_storage(keys));
  }
  return all;
}

AccountService::AccountService(ShardContext& context)
    : context_(context), changed_(kChangedMax), cache_key_(system_random().token(32)) {}

ShardContext& AccountService::home_of(const Jid& account) {
  const std::size_t home = router::home_shard(account.bare_str(), context_.shared.contexts.size());
  return *context_.shared.contexts[home];
}

Task<Result<std::optional<storage::Account>>> AccountService::find(Jid account) {
  return context_.store->account(std::string(account.domain()), std::string(account.local()));
}

// ---- logging in ----

Task<Result<LoginKeys>> AccountService::keys(Jid account, sasl::ScramHash hash) {
  ShardContext& home = home_of(account);
  return run_on<Result<LoginKeys>>(context_.shard, home.shard,
                                   [service = home.accounts.get(), account, hash] {
                                     return service->keys_at_home(account, hash);
                                   });
}

Task<Result<LoginKeys>> AccountService::keys_at_home(Jid account, sasl::ScramHash hash) {
  const auto delay = context_.by_account.delay(account.str(), context_.shard.clock().now());
  if (delay.count() > 0) co_await delay_for(context_.shard, delay);
  BALCONY_CO_ASSIGN(const std::optional<storage::Account> found, co_await find(account));
  LoginKeys login;
  if (!found) co_return login;
  login.disabled = found->disabled;
  for (const storage::ScramKeys& keys : found->keys) {
    if (keys.hash == sasl::to_string(hash)) login.keys = from_storage(keys);
  }
  co_return login;
}

Task<Result<bool>> AccountService::may_log_in(Jid account) {
  ShardContext& home = home_of(account);
  return run_on<Result<bool>>(context_.shard, home.shard, [service = home.accounts.get(), account] {
    return service->may_log_in_at_home(account);
  });
}

Task<Result<bool>> AccountService::may_log_in_at_home(Jid account) {
  const auto delay = context_.by_account.delay(account.str(), context_.shard.clock().now());
  if (delay.count() > 0) co_await delay_for(context_.shard, delay);
  BALCONY_CO_ASSIGN(const std::optional<storage::Account> found, co_await find(account));
  if (found && found->disabled) co_return fail(Errc::kSaslAccountDisabled);
  co_return found.has_value();
}

Task<Result<bool>> AccountService::verify(Jid account, std::string password) {
  ShardContext& home = home_of(account);
  Beat beat(context_.shard, kRefusalBeat);
  std::function<Task<Result<bool>>()> work = [service = home.accounts.get(), account,
                                              password = std::move(password)] {
    return service->verify_at_home(account, password);
  };
  Result<bool> matches = co_await run_on<Result<bool>>(context_.shard, home.shard, std::move(work));
  if (!matches || !*matches) co_await beat.next();
  co_return matches;
}

Task<Result<bool>> AccountService::verify_at_home(Jid account, std::string password) {
  const auto delay = context_.by_account.delay(account.str(), context_.shard.clock().now());
  if (delay.count() > 0) co_await delay_for(context_.shard, delay);
  std::string fingerprint = digest(account, password);
  if (was_verified(account, fingerprint)) co_return true;
  const Instant began = context_.shard.clock().now();
  BALCONY_CO_ASSIGN(const std::optional<storage::Account> found, co_await find(account));
  // decision 0009: an unknown user costs the same hashing as a known one.
  auto keys =
      sasl::fake_keys(sasl::ScramHash::kSha256, account.local(), context_.shared.fake_secret,
                      static_cast<std::uint32_t>(context_.config->auth.iterations));
  if (found) {
    for (const storage::ScramKeys& stored : found->keys) {
      if (auto usable = from_storage(stored)) keys = *std::move(usable);
      if (keys.hash == sasl::ScramHash::kSha256) break;
    }
  }
  std::function<bool()> job = [password, keys] { return sasl::verify_password(password, keys); };
  const Verdict verdict =
      co_await run_in<bool>(context_.shard, *context_.shared.hash_pool, std::move(job));
  const bool matches = verdict && *verdict && found.has_value();
  // RFC 6120 §6.5.1, told only to who has the password.
  if (matches && found->disabled) co_return fail(Errc::kSaslAccountDisabled);
  // docs/security.md: the one moment when the password is at hand.
  if (matches) co_await renew(account, *found, keys, password);
  sasl::wipe(password);
  if (!verdict) co_return fail(Errc::kOverloaded, "too many logins at the same time");
  // What it was compared with may not be the account's any more.
  if (matches && !changed_since(account, began)) remember(account, std::move(fingerprint));
  co_return matches;
}

void AccountService::attempt_failed(const Jid& account) {
  ShardContext& home = home_of(account);
  home.shard.post(
      [&home, account] { home.by_account.failed(account.str(), home.shard.clock().now()); });
}

void AccountService::attempt_succeeded(const Jid& account) {
  ShardContext& home = home_of(account);
  home.shard.post([&home, account] { home.by_account.succeeded(account.str()); });
}

// ---- the memory of verified passwords ----

std::string AccountService::digest(const Jid& account, std::string_view password) const {
  return sasl::hmac(sasl::ScramHash::kSha256, cache_key_,
                    account.str() + '\0' + std::string(password));
}

bool AccountService::was_verified(const Jid& account, std::string_view fingerprint) {
  const auto found = verified_by_account_.find(account.str());
  if (found == verified_by_account_.end()) return false;
  if (found->second->until < context_.shard.clock().now()) {
    forget(account);
    return false;
  }
  return sasl::equal_constant_time(found->second->digest, fingerprint);
}

void AccountService::remember(const Jid& account, std::string fingerprint) {
  const auto keep = context_.config->auth.plain_cache;
  if (keep.count() == 0) return;
  forget(account);
  verified_.push_front(
      {account.str(), std::move(fingerprint), context_.shard.clock().now() + keep});
  verified_by_account_.emplace(verified_.front().account, verified_.begin());
  if (verified_.size() > kVerifiedMax) {
    verified_by_account_.erase(verified_.back().account);
    verified_.pop_back();
  }
}

void AccountService::forget(const Jid& account) {
  const auto found = verified_by_account_.find(account.str());
  if (found == verified_by_account_.end()) return;
  const auto entry = found->second;
  verified_by_account_.erase(found);
  verified_.erase(entry);
}

// ---- creating, changing, removing ----

Task<Result<bool>> AccountService::exists(Jid account) {
  BALCONY_CO_ASSIGN(const std::optional<storage::Account> found, co_await find(account));
  co_return found.has_value();
}

Task<bool> AccountService::admit_registration(std::string address, std::int64_t per_hour) {
  // An address has a home as users have: it is counted in one place.
  auto& contexts = context_.shared.contexts;
  ShardContext& home = *contexts[router::home_shard(address, contexts.size())];
  return run_on<bool>(context_.shard, home.shard, [&home, address, per_hour]() -> Task<bool> {
    co_return home.registrations.admit(address, per_hour, home.shard.clock().now());
  });
}

Task<Result<>> AccountService::create(Jid account, std::string password) {
  ShardContext& home = home_of(account);
  return run_on<Result<>>(context_.shard, home.shard,
                          [service = home.accounts.get(), account, password] {
                            return service->store_password(account, password, Put::kCreate);
                          });
}

Task<Result<>> AccountService::set_password(Jid account, std::string password) {
  ShardContext& home = home_of(account);
  return run_on<Result<>>(context_.shard, home.shard,
                          [service = home.accounts.get(), account, password] {
                            return service->store_password(account, password, Put::kReplace);
                          });
}

Task<Result<>> AccountService::store_password(Jid account, std::string password, Put how) {
  const auto iterations = static_cast<std::uint32_t>(context_.config->auth.iterations);
  using Keys = Result<std::vector<storage::ScramKeys>>;
  std::function<Keys()> job = [password, iterations] {
    return derive_all_keys(password, iterations, system_random());
  };
  const auto derived =
      co_await run_in<Keys>(context_.shard, *context_.shared.hash_pool, std::move(job));
  sasl::wipe(password);
  if (!derived) co_return fail(Errc::kOverloaded, "too many passwords at the same time");
  if (!*derived) co_return fail(Errc::kNotAcceptable, derived->error().to_string());
  BALCONY_CO_CHECK(co_await store_keys(account, **derived, how));
  co_await refresh_offer(std::string(account.domain()));
  co_return Result<>{};
}

Task<Result<>> AccountService::put_keys(Jid account, std::vector<storage::ScramKeys> keys,
                                        Put how) {
  ShardContext& home = home_of(account);
  return run_on<Result<>>(context_.shard, home.shard,
                          [service = home.accounts.get(), account, keys = std::move(keys), how] {
                            return service->store_keys(account, keys, how);
                          });
}

Task<Result<>> AccountService::store_keys(Jid account, std::vector<storage::ScramKeys> keys,
                                          Put how) {
  Task<Result<>> write = write_keys(account, std::move(keys), how);
  // Strangers may try to create what is there: that is no change.
  if (how == Put::kCreate) return alone(std::move(account), std::move(write), kTaken);
  return alone(account, change(account, std::move(write)));
}

Task<Result<>> AccountService::write_keys(Jid account, std::vector<storage::ScramKeys> keys,
                                          Put how) {
  BALCONY_CO_ASSIGN(std::optional<storage::Account> found, co_await find(account));
  if (how == Put::kCreate && found) co_return fail(kTaken);
  if (how == Put::kReplace && !found) {
    co_return fail(Errc::kItemNotFound, "there is no such account");
  }
  storage::Account stored = found ? *std::move(found) : storage::Account{};
  if (stored.user.empty()) {
    stored.user = account.local();
    stored.created = context_.shard.clock().wall();
  }
  stored.keys = std::move(keys);
  storage::Batch batch;
  batch.add(account.domain(), storage::op::PutAccount{std::move(stored)});
  // Who has a token of the old password's time must not be in with the new one (XEP-0484).
  if (found) batch.add(account.str(), storage::op::EraseStore{std::string(kTokenStore)});
  co_return co_await context_.store->write(std::move(batch));
}

Task<Result<>> AccountService::alone(Jid account, Task<Result<>> write, Error busy) {
  if (!busy_.insert(account.str()).second) co_return fail(std::move(busy));
  Result<> written = co_await std::move(write);
  busy_.erase(account.str());
  co_return written;
}

Task<Result<>> AccountService::change(Jid account, Task<Result<>> write) {
  changed_.put(account.str(), Instant::max());
  Result<> written = co_await std::move(write);
  changed_.put(account.str(), context_.shard.clock().now());
  forget(account);
  co_return written;
}

bool AccountService::changed_since(const Jid& account, Instant then) {
  const Instant* when = changed_.find(account.bare_str());
  return when && *when > then;
}

Task<Result<>> AccountService::set_disabled(Jid account, bool disabled) {
  ShardContext& home = home_of(account);
  return run_on<Result<>>(
      context_.shard, home.shard, [service = home.accounts.get(), account, disabled] {
        return service->alone(account,
                              service->change(account, service->write_disabled(account, disabled)));
      });
}

Task<Result<>> AccountService::write_disabled(Jid account, bool disabled) {
  BALCONY_CO_ASSIGN(std::optional<storage::Account> found, co_await find(account));
  if (!found) co_return fail(Errc::kItemNotFound, "there is no such account");
  found->disabled = disabled;
  storage::Batch batch;
  batch.add(account.domain(), storage::op::PutAccount{*std::move(found)});
  co_return co_await context_.store->write(std::move(batch));
}

Task<Result<>> AccountService::remove(Jid account, std::function<void()> when_removed) {
  ShardContext& home = home_of(account);
  return run_on<Result<>>(context_.shard, home.shard,
                          [service = home.accounts.get(), account, when_removed] {
                            return service->remove_at_home(account, when_removed);
                          });
}

Task<Result<>> AccountService::remove_at_home(Jid account, std::function<void()> when_removed) {
  Task<Result<>> erasing = change(account, erase(account, std::move(when_removed)));
  BALCONY_CO_CHECK(co_await alone(account, std::move(erasing)));
  co_await refresh_offer(std::string(account.domain()));
  co_return Result<>{};
}

Task<Result<>> AccountService::erase(Jid account, std::function<void()> when_removed) {
  BALCONY_CO_ASSIGN(const bool found, co_await exists(account));
  if (!found) co_return fail(Errc::kItemNotFound, "there is no such account");
  // Loaded, so that the modules can say good-bye for him (subscriptions). One that cannot be loaded
  // has no sessions and goes all the same.
  const auto loaded = co_await context_.router->users().get(account);
  const auto user = loaded ? context_.router->begin_removal(account) : nullptr;
  storage::Batch batch;
  batch.add(account.domain(), storage::op::EraseAccount{std::string(account.local())});
  batch.add(account.str(), storage::op::EraseOwner{});
  Result<> written = co_await context_.store->write(std::move(batch));
  if (written && when_removed) when_removed();
  if (user) context_.router->finish_removal(*user, written);
  co_return written;
}

Task<> AccountService::refresh_offer(std::string domain) {
  const auto offer = context_.offers->find(domain);
  if (offer == context_.offers->end()) co_return;
  const auto counts = co_await context_.store->account_counts(domain);
  if (!counts) co_return;
  unsigned bits = 0;
  for (const sasl::ScramHash hash : sasl::kScramHashes) {
    const auto of_hash = [hash](const auto& list, std::integral auto otherwise) {
      const auto at = std::ranges::find(list, sasl::to_string(hash),
                                        [](const auto& e) { return std::string_view(e.first); });
      return at == list.end() ? otherwise : at->second;
    };
    const std::uint64_t with_keys = of_hash(counts->with_keys, std::uint64_t{0});
    const std::uint32_t least = of_hash(counts->iterations_min, UINT32_MAX);
    // decision 0009: a hash is offered only while every account has keys for it.
    if (with_keys == counts->accounts) bits |= 1U << static_cast<unsigned>(hash);
    offer->second->iterations_min[static_cast<std::size_t>(hash)].store(least,
                                                                        std::memory_order_relaxed);
  }
  offer->second->bits.store(bits, std::memory_order_relaxed);
}

Task<> AccountService::refresh_offer_soon(std::string domain) {
  if (const auto under_way = counting_.find(domain); under_way != counting_.end()) {
    under_way->second = true;
    co_return;
  }
  bool again = true;
  while (again) {
    counting_[domain] = false;
    co_await refresh_offer(domain);
    again = counting_[domain];
  }
  counting_.erase(domain);
}

}  // namespace balcony::server
