// Keys for one more hash, which a client has computed (XEP-0480 §3).
#include "server/accounts.h"
#include "server/hop.h"

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
  if (!busy_.insert(account.str()).second) {
    co_return fail(Errc::kResourceConstraint, "the account is being changed; try again");
  }
  Result<> written = co_await merge_keys(account, std::move(keys));
  busy_.erase(account.str());
  if (!written) co_return fail(written.error());
  co_await refresh_offer(std::string(account.domain()));
  co_return Result<>{};
}

Task<Result<>> AccountService::merge_keys(Jid account, sasl::ScramKeys keys) {
  BALCONY_CO_ASSIGN(std::optional<storage::Account> found, co_await find(account));
  if (!found) co_return fail(Errc::kItemNotFound, "there is no such account");
  const std::string_view hash = sasl::to_string(keys.hash);
  if (std::ranges::find(found->keys, hash, &storage::ScramKeys::hash) != found->keys.end()) {
    co_return Result<>{};
  }
  found->keys.push_back(to_storage(keys));
  storage::Batch batch;
  batch.add(account.domain(), storage::op::PutAccount{*std::move(found)});
  co_return co_await context_.store->write(std::move(batch));
}

}  // namespace balcony::server
