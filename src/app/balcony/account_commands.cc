// login, accounts, logout, passwd: what is stored of an account, and its password.
#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"
#include "app/balcony/tokens.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace balcony::cli {
namespace {

Task<Result<>> try_login(ClientOptions options) {
  Client client(std::move(options));
  auto connected = co_await client.connect();
  if (connected) co_await client.disconnect();
  co_return connected;
}

Result<> store(const Globals& globals, const LoginArguments& arguments, const Jid& jid,
               const std::string& password) {
  BALCONY_ASSIGN(const std::string folder, config_folder());
  BALCONY_ASSIGN(Accounts accounts, load_accounts(folder));
  const std::string name(jid.bare_str());
  Account account;
  account.server = globals.server;
  account.ca_file = globals.ca_file;
  if (!account.ca_file.empty() && !account.ca_file.starts_with('/')) {
    char path[4096];
    if (::realpath(account.ca_file.c_str(), path) != nullptr) account.ca_file = path;
  }
  account.tls = globals.tls;
  account.password_env = arguments.password_env;
  account.password_command = arguments.password_command;
  if (account.password_env.empty() && account.password_command.empty()) {
    BALCONY_ASSIGN(account.password_file, store_secret(folder, name, password));
  }
  accounts.by_jid[name] = account;
  if (accounts.standard.empty() || arguments.standard) accounts.standard = name;
  return save_accounts(folder, accounts);
}

Result<> log_in(Globals globals, const LoginArguments& arguments) {
  BALCONY_ASSIGN(const Jid jid, Jid::parse(arguments.jid));
  globals.jid = jid.str();
  if (!arguments.password_env.empty() || !arguments.password_command.empty()) {
    Account secret;
    secret.password_env = arguments.password_env;
    secret.password_command = arguments.password_command;
    BALCONY_ASSIGN(globals.password, read_secret(secret));
  }
  BALCONY_ASSIGN(ClientOptions options, client_options(globals));
  const std::string password = options.password;
  if (!arguments.unchecked) BALCONY_CHECK(run(try_login(std::move(options))));
  return store(globals, arguments, jid, password);
}

std::string_view secret_kind(const Account& account) {
  if (!account.password_file.empty()) return "file";
  if (!account.password_env.empty()) return "environment";
  return account.password_command.empty() ? "none" : "command";
}

// The stored file gets the new password; other places are somebody else's to change.
Result<> remember_password(const Jid& jid, const std::string& password) {
  BALCONY_ASSIGN(const std::string folder, config_folder());
  BALCONY_ASSIGN(const Accounts accounts, load_accounts(folder));
  const auto* const found = accounts.find(jid.bare_str());
  if (found == nullptr) return {};
  forget_tokens(folder, found->first);  // those of the old password are worth nothing any more
  if (found->second.password_file == folder + "/secrets/" + found->first) {
    BALCONY_CHECK(store_secret(folder, found->first, password));
    return {};
  }
  complain("the stored account has its password elsewhere (" +
           std::string(secret_kind(found->second)) + "); change it there too");
  return {};
}

Result<std::string> new_password(const PasswdArguments& arguments) {
  if (!arguments.new_password_file.empty()) return first_line_of(arguments.new_password_file);
  if (const char* given = std::getenv("BALCONY_NEW_PASSWORD")) return std::string(given);
  BALCONY_ASSIGN(std::string once, password_from_terminal("New password: "));
  BALCONY_ASSIGN(const std::string twice, password_from_terminal("Again: "));
  if (once.empty()) return fail(Errc::kUsage, "an empty password is none");
  if (once != twice) return fail(Errc::kUsage, "the two are not the same; nothing was changed");
  return once;
}

}  // namespace

int login(Globals globals, LoginArguments arguments) {
  const auto done = log_in(std::move(globals), arguments);
  if (!done) return report(done.error());
  complain("stored " + arguments.jid + "; from now on commands find it");
  return kOk;
}

int list_accounts(const Globals& globals) {
  const auto folder = config_folder();
  if (!folder) return report(folder.error());
  const auto accounts = load_accounts(*folder);
  if (!accounts) return report(accounts.error());
  for (const auto& [jid, account] : accounts->by_jid) {
    const bool standard = jid == accounts->standard;
    const std::string secret(secret_kind(account));
    if (globals.json) {
      say_json(nlohmann::json{
          {"jid", jid}, {"default", standard}, {"server", account.server}, {"password", secret}});
    } else {
      say(printable((standard ? "* " : "  ") + jid + "  password: " + secret +
                    (account.server.empty() ? "" : "  server: " + account.server)));
    }
  }
  if (accounts->by_jid.empty()) complain("no accounts; balcony login user@example.org stores one");
  return kOk;
}

int logout(const std::string& name) {
  const auto folder = config_folder();
  if (!folder) return report(folder.error());
  auto accounts = load_accounts(*folder);
  if (!accounts) return report(accounts.error());
  const auto* const found = accounts->find(name);
  if (found == nullptr) {
    return report(Error(Errc::kUsage, "no account '" + name + "' is stored; see balcony accounts"));
  }
  const std::string jid = found->first;
  const std::string own_secret = *folder + "/secrets/" + jid;
  if (found->second.password_file == own_secret) ::unlink(own_secret.c_str());
  forget_tokens(*folder, jid);
  accounts->by_jid.erase(jid);
  if (accounts->standard == jid) {
    accounts->standard = accounts->by_jid.empty() ? "" : accounts->by_jid.begin()->first;
  }
  const auto saved = save_accounts(*folder, *accounts);
  return saved ? static_cast<int>(kOk) : report(saved.error());
}

Task<int> passwd(Client& client, Globals globals, PasswdArguments arguments) {
  const auto password = new_password(arguments);
  if (!password) co_return report(password.error());
  const auto changed = co_await client.change_password(*password);
  if (!changed) co_return report(changed.error());
  const auto kept = remember_password(client.jid(), *password);
  if (!kept) co_return report(kept.error());
  if (globals.json) say_json(nlohmann::json{{"changed", true}});
  co_return kOk;
}

}  // namespace balcony::cli
