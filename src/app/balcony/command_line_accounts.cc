// login, accounts, logout, register, unregister, passwd.
#include "app/balcony/command_line.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <CLI/CLI.hpp>

namespace balcony::cli {
namespace {

void add_login(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("login", "Store an account, so that commands find it");
  command->footer(
      "Logs in once to see that it works. Accounts are kept in\n"
      "$XDG_CONFIG_HOME/balcony/accounts.toml with --server, --ca and --tls; the password in a\n"
      "file beside it that only you can read, unless it stays in the environment or comes from\n"
      "a command.\n"
      "Examples:\n"
      "  balcony login alice@example.org\n"
      "  balcony login alice@example.org --password-command 'pass show xmpp/alice'\n"
      "  balcony login bob@localhost --server 127.0.0.1:5222 --ca localhost.crt --default");
  command->add_option("address", line.login.jid, "Who you are: user@example.org")->required();
  auto* variable = command->add_option("--password-env", line.login.password_env,
                                       "The password stays in this environment variable");
  variable->type_name("NAME");
  command
      ->add_option("--password-command", line.login.password_command,
                   "The password is the first line that this prints, each time")
      ->type_name("CMD")
      ->excludes(variable);
  command->add_flag("--default", line.login.standard, "Use it where no account is named");
  command->add_flag("--no-check", line.login.unchecked, "Do not log in now");
  command->callback(
      [&line] { line.offline = [&line] { return login(line.globals, line.login); }; });
}

Task<int> say_registered(Client& client) {
  say("registered " + std::string(client.jid().bare_str()));
  co_return kOk;
}

Task<int> unregister(Client& client, std::string sure) {
  if (sure != client.jid().bare_str()) {
    co_return report(Error(Errc::kUsage, "to be sure, say the address again: --yes " +
                                             std::string(client.jid().bare_str())));
  }
  const auto done = co_await client.unregister();
  if (!done) co_return report(done.error());
  say("the account is no more");
  co_return kOk;
}

}  // namespace

void add_accounts(CLI::App& app, CommandLine& line) {
  add_login(app, line);

  CLI::App* command = app.add_subcommand("accounts", "Show the stored accounts");
  command->footer("The default account has a star.\nExample:\n  balcony accounts");
  command->callback([&line] { line.offline = [&line] { return list_accounts(line.globals); }; });

  command = app.add_subcommand("logout", "Forget a stored account and its password");
  command->footer("Example:\n  balcony logout alice@example.org");
  command->add_option("account", line.logout, "Which")->required();
  command->callback([&line] { line.offline = [&line] { return logout(line.logout); }; });

  command = app.add_subcommand("register", "Make the account, where the server lets strangers");
  command->footer(
      "Examples:\n"
      "  balcony -u carol@example.org register\n"
      "  balcony -u carol@example.org register --field email carol@example.net\n"
      "Then: balcony login carol@example.org");
  command->add_option("--field", line.registration_fields,
                      "What the server asks for beside: NAME VALUE");
  command->callback([&line] {
    line.registers = true;
    line.command = say_registered;
  });

  command = app.add_subcommand("unregister", "End the account, with all the server keeps of it");
  command->footer(
      "There is no way back.\nExample:\n"
      "  balcony -u carol@example.org unregister --yes carol@example.org");
  command->add_option("--yes", line.jid, "The account's address again")->required();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return unregister(c, line.jid); }; });

  command = app.add_subcommand("passwd", "Change the account's password");
  command->footer(
      "The new one is asked for twice; or it is in BALCONY_NEW_PASSWORD or a file. A stored\n"
      "password file is changed too.\n"
      "Example:\n  balcony passwd");
  command
      ->add_option("--new-password-file", line.passwd.new_password_file,
                   "The new password is the first line of FILE")
      ->type_name("FILE");
  command->callback([&line] {
    line.command = [&line](Client& c) { return passwd(c, line.globals, line.passwd); };
  });
}

}  // namespace balcony::cli
