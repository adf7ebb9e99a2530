// user add, passwd, disable, enable, remove, list.
#include "server/command_accounts.h"

#include "server/accounts.h"
#include "server/command_sessions.h"
#include "stanza/datetime.h"

#include <algorithm>
#include <iterator>

namespace balcony::server {
namespace {

constexpr std::uint32_t kPage = 1'000;

const ArgSpec kAccount{"jid", ArgType::kJid, "The account: user@example.org."};
const ArgSpec kPassword{"password", ArgType::kSecret, "Its password."};

Value account_result(const Jid& jid) {
  Value result;
  result.set("jid", jid.str());
  return result;
}

Task<Result<Value>> add_account(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_CHECK(co_await context.at->accounts->create(jid, args.text("password")));
  co_return account_result(jid);
}

Task<Result<Value>> change_password(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_CHECK(co_await context.at->accounts->set_password(jid, args.text("password")));
  co_return account_result(jid);
}

Task<Result<Value>> remove_account(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_CHECK(co_await context.at->accounts->remove(jid));
  co_return account_result(jid);
}

Task<Result<Value>> disable_account(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_CHECK(co_await context.at->accounts->set_disabled(jid, true));
  const StreamError why{StreamCondition::kPolicyViolation, "the account was disabled"};
  const std::int64_t ended = co_await end_sessions(context, jid, why);
  Value result = account_result(jid);
  result.set("ended", ended);
  co_return result;
}

Task<Result<Value>> enable_account(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_CHECK(co_await context.at->accounts->set_disabled(jid, false));
  co_return account_result(jid);
}

std::string hashes_of(const storage::Account& account) {
  std::string hashes;
  for (const storage::ScramKeys& keys : account.keys) {
    hashes += (hashes.empty() ? "" : " ") + keys.hash;
  }
  return hashes;
}

Task<Result<std::int64_t>> list_host(const CommandContext& context, std::string host) {
  std::int64_t count = 0;
  std::string after;
  for (;;) {
    BALCONY_CO_ASSIGN(const std::vector<storage::Account> page,
                      co_await context.at->store->accounts(host, after, kPage));
    for (const storage::Account& account : page) {
      Value row;
      row.set("jid", account.user + '@' + host);
      row.set("created", format_datetime(account.created));
      row.set("keys", hashes_of(account));
      row.set("disabled", account.disabled);
      co_await context.row(std::move(row));
      ++count;
    }
    if (page.size() < kPage) co_return count;
    after = page.back().user;
  }
}

Task<Result<Value>> list_accounts(const CommandContext& context, const CommandArgs& args) {
  std::int64_t count = 0;
  const std::string wanted = args.text("host");
  bool known = false;
  for (const HostConfig& host : context.config->hosts) {
    if (!wanted.empty() && wanted != host.domain) continue;
    known = true;
    BALCONY_CO_ASSIGN(const std::int64_t listed, co_await list_host(context, host.domain));
    count += listed;
  }
  if (!known) co_return fail(Errc::kItemNotFound, "there is no host " + wanted);
  Value result;
  result.set("accounts", count);
  co_return result;
}

}  // namespace

Result<> check_account(const Config& config, const Jid& jid) {
  if (!jid.has_local() || jid.is_full()) {
    return fail(Errc::kUsage, '"' + jid.str() + "\" is no account: write user@example.org");
  }
  if (std::ranges::find(config.hosts, jid.domain(), &HostConfig::domain) == config.hosts.end()) {
    return fail(Errc::kItemNotFound, std::string(jid.domain()) + " is no host of this server");
  }
  return {};
}

std::vector<CommandSpec> user_commands() {
  std::vector<CommandSpec> commands = {
      {"user add",
       "Makes an account.",
       {kAccount, kPassword},
       "added {jid}",
       {"user add juliet@example.org --generate"},
       Role::kOperator,
       Needs::kAccounts,
       add_account},
      {"user passwd",
       "Changes an account's password.",
       {kAccount, kPassword},
       "changed the password of {jid}",
       {"user passwd juliet@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       change_password},
      {"user disable",
       "Lets nobody into an account any more, and ends its sessions. What it owns stays.",
       {kAccount},
       "disabled {jid}; sessions ended: {ended}",
       {"user disable romeo@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       disable_account},
      {"user enable",
       "Lets the owner of a disabled account in again.",
       {kAccount},
       "enabled {jid}",
       {"user enable romeo@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       enable_account},
      {"user remove",
       "Removes an account with everything that it owns, and ends its sessions.",
       {kAccount},
       "removed {jid}",
       {"user remove juliet@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       remove_account},
      {"user list",
       "Lists the accounts of all hosts, or of one.",
       {{"host", ArgType::kText, "Only this host.", false}},
       "accounts: {accounts}",
       {"user list", "--json user list example.org"},
       Role::kObserver,
       Needs::kAccounts,
       list_accounts},
      import_command(),
  };
  std::ranges::move(token_commands(), std::back_inserter(commands));
  return commands;
}

}  // namespace balcony::server
