#include "server/login_tokens.h"

#include "base/log.h"
#include "base/random.h"
#include "server/beat.h"
#include "server/hop.h"

#include <algorithm>
#include <memory>

namespace balcony::server {
namespace {

// What two logins of one client at the same time may cost.
constexpr int kTries = 3;
constexpr std::size_t kTokenBytes = 32;
constexpr std::uint32_t kPage = 1'000;

}  // namespace

ShardContext& LoginTokens::home_of(const Jid& account) {
  const std::size_t home = router::home_shard(account.bare_str(), context_.shared.contexts.size());
  return *context_.shared.contexts[home];
}

Task<Result<LoginTokens::Kept>> LoginTokens::read(Jid account, std::string id) {
  BALCONY_CO_ASSIGN(const std::optional<storage::Value> found,
                    co_await context_.store->get(account.str(), std::string(kTokenStore), id));
  Kept kept;
  if (!found) co_return kept;
  kept.version = found->version;
  auto client = TokenClient::parse(found->value);
  if (client) {
    kept.client = *std::move(client);
  } else {
    log_warning("tokens cannot be read", {{"jid", account.str()}, {"client", id}});
  }
  co_return kept;
}

Task<Result<>> LoginTokens::write(Jid account, std::string id, Kept kept) {
  storage::Batch batch;
  batch.add(account.str(), storage::op::PutIfVersion{std::string(kTokenStore), std::move(id),
                                                     kept.client.to_text(), kept.version});
  return context_.store->write(std::move(batch));
}

// ---- logging in

Task<Result<std::optional<stream::UsedToken>>> LoginTokens::verify(Jid account,
                                                                   stream::VerifyToken what) {
  ShardContext& home = home_of(account);
  const auto shared = std::make_shared<stream::VerifyToken>(std::move(what));
  Beat beat(context_.shard, kRefusalBeat);
  using Used = Result<std::optional<stream::UsedToken>>;
  std::function<Task<Used>()> work = [service = home.tokens.get(), account, shared] {
    return service->verify_at_home(account, *shared);
  };
  Used used = co_await run_on<Used>(context_.shard, home.shard, std::move(work));
  if (!used || !*used) co_await beat.next();
  co_return used;
}

Task<Result<std::optional<stream::UsedToken>>> LoginTokens::verify_at_home(
    Jid account, stream::VerifyToken what) {
  const auto delay = context_.by_account.delay(account.str(), context_.shard.clock().now());
  if (delay.count() > 0) co_await delay_for(context_.shard, delay);
  for (int i = 0; i < kTries; ++i) {
    BALCONY_CO_ASSIGN(Kept kept, co_await read(account, what.user_agent));
    const TokenVerdict verdict =
        use_token(kept.client, what.what, what.use, context_.shard.clock().wall());
    if (verdict.expired) co_return fail(Errc::kSaslCredentialsExpired, "the token is too old");
    if (!verdict.token) co_return std::optional<stream::UsedToken>{};
    BALCONY_CO_ASSIGN(const std::optional<storage::Account> found,
                      co_await context_.store->account(std::string(account.domain()),
                                                       std::string(account.local())));
    if (!found) co_return std::optional<stream::UsedToken>{};
    if (found->disabled) co_return fail(Errc::kSaslAccountDisabled);
    Result<> written;
    if (verdict.forget) {
      storage::Batch batch;
      batch.add(account.str(), storage::op::Erase{std::string(kTokenStore), what.user_agent});
      written = co_await context_.store->write(std::move(batch));
    } else if (verdict.changed) {
      written = co_await write(account, what.user_agent, std::move(kept));
    }
    if (written) co_return stream::UsedToken{*verdict.token, verdict.rotate};
    // Somebody else used or replaced it meanwhile: look again, a count may be spent by now.
    if (written.error().code != Errc::kVersion) co_return fail(written.error());
  }
  co_return fail(Errc::kSaslTemporaryAuthFailure, "the token is in use");
}

// ---- issuing

Task<Result<stream::FastToken>> LoginTokens::issue(Jid account, stream::IssueToken what) {
  ShardContext& home = home_of(account);
  const auto shared = std::make_shared<stream::IssueToken>(std::move(what));
  return run_on<Result<stream::FastToken>>(context_.shard, home.shard,
                                           [service = home.tokens.get(), account, shared] {
                                             return service->issue_at_home(account, *shared);
                                           });
}

Task<Result<stream::FastToken>> LoginTokens::issue_at_home(Jid account, stream::IssueToken what) {
  BALCONY_CO_CHECK(co_await make_room(account, what.user_agent.id));
  const WallTime now = context_.shard.clock().wall();
  StoredToken token;
  token.mechanism = what.mechanism;
  token.token = system_random().token(kTokenBytes);
  token.issued = now;
  token.expiry =
      std::chrono::floor<std::chrono::seconds>(now) + context_.config->auth.token_lifetime;
  const stream::FastToken given{token.token, token.expiry};
  for (int i = 0; i < kTries; ++i) {
    BALCONY_CO_ASSIGN(Kept kept, co_await read(account, what.user_agent.id));
    kept.client.software = what.user_agent.software;
    kept.client.device = what.user_agent.device;
    issue_token(kept.client, token);
    Result<> written = co_await write(account, what.user_agent.id, std::move(kept));
    if (written) co_return given;
    if (written.error().code != Errc::kVersion) co_return fail(written.error());
  }
  co_return fail(Errc::kResourceConstraint, "the client's tokens are being changed");
}

// docs/security.md 21: what clients can fill is bounded. Those whose time is over go first, for
// they end first.
Task<Result<>> LoginTokens::make_room(Jid account, std::string id) {
  BALCONY_CO_ASSIGN(auto clients, co_await list(account));
  std::erase_if(clients, [&](const auto& entry) { return entry.first == id; });
  const auto most = static_cast<std::size_t>(context_.config->auth.tokens_per_account);
  if (clients.size() < most) co_return Result<>{};
  std::ranges::sort(clients, {}, [](const auto& entry) { return entry.second.expiry(); });
  clients.resize(clients.size() - most + 1);
  storage::Batch batch;
  for (const auto& entry : clients) {
    batch.add(account.str(), storage::op::Erase{std::string(kTokenStore), entry.first});
  }
  co_return co_await context_.store->write(std::move(batch));
}

// ---- for the operator

Task<Result<std::vector<std::pair<std::string, TokenClient>>>> LoginTokens::list(Jid account) {
  std::vector<std::pair<std::string, TokenClient>> clients;
  BALCONY_CO_ASSIGN(
      const std::vector<storage::MapEntry> entries,
      co_await context_.store->scan(account.str(), std::string(kTokenStore), "", "", kPage));
  for (const storage::MapEntry& entry : entries) {
    auto client = TokenClient::parse(entry.value.value);
    clients.emplace_back(entry.key, client ? *std::move(client) : TokenClient{});
  }
  co_return clients;
}

Task<Result<std::size_t>> LoginTokens::revoke(Jid account) {
  ShardContext& home = home_of(account);
  return run_on<Result<std::size_t>>(
      context_.shard, home.shard,
      [service = home.tokens.get(), account] { return service->revoke_at_home(account); });
}

Task<Result<std::size_t>> LoginTokens::revoke_at_home(Jid account) {
  BALCONY_CO_ASSIGN(const auto clients, co_await list(account));
  storage::Batch batch;
  batch.add(account.str(), storage::op::EraseStore{std::string(kTokenStore)});
  BALCONY_CO_CHECK(co_await context_.store->write(std::move(batch)));
  co_return clients.size();
}

}  // namespace balcony::server
