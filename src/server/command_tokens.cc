// user tokens, user revoke-tokens: the clients that may log in without the password (XEP-0484).
#include "server/command_accounts.h"
#include "server/login_tokens.h"
#include "stanza/datetime.h"

namespace balcony::server {
namespace {

const ArgSpec kAccount{"jid", ArgType::kJid, "The account: user@example.org."};

Task<Result<Value>> list_tokens(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_ASSIGN(const auto clients, co_await context.at->tokens->list(jid));
  for (const auto& [id, client] : clients) {
    Value row;
    row.set("client", id);
    row.set("software", client.software);
    row.set("device", client.device);
    row.set("until", format_datetime(client.expiry()));
    co_await context.row(std::move(row));
  }
  Value result;
  result.set("clients", static_cast<std::int64_t>(clients.size()));
  co_return result;
}

Task<Result<Value>> revoke_tokens(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  BALCONY_CO_CHECK(check_account(*context.config, jid));
  BALCONY_CO_ASSIGN(const std::size_t count, co_await context.at->tokens->revoke(jid));
  Value result;
  result.set("jid", jid.str());
  result.set("clients", static_cast<std::int64_t>(count));
  co_return result;
}

}  // namespace

std::vector<CommandSpec> token_commands() {
  return {
      {"user tokens",
       "Lists the clients of an account that may log in without its password (XEP-0484).",
       {kAccount},
       "clients: {clients}",
       {"user tokens juliet@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       list_tokens},
      {"user revoke-tokens",
       "Makes all clients of an account log in with its password again. Sessions go on.",
       {kAccount},
       "revoked the tokens of {jid}; clients that had one: {clients}",
       {"user revoke-tokens juliet@example.org"},
       Role::kOperator,
       Needs::kAccounts,
       revoke_tokens},
  };
}

}  // namespace balcony::server
