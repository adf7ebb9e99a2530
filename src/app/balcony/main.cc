// The program `balcony`: an XMPP client for people and scripts. What its command line says is in
// command_line.cc, what the commands do in the files of their names.
#include "app/balcony/accounts.h"
#include "app/balcony/command_line.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/tokens.h"

#include "base/log.h"

#include <CLI/CLI.hpp>

namespace balcony::cli {
namespace {

// For an account that is stored. Errors: none; without a slot the password does.
std::optional<TokenSlot> token_slot(const CommandLine& line, const Jid& jid) {
  const auto folder = config_folder();
  if (!folder || line.registers) return std::nullopt;
  const auto accounts = load_accounts(*folder);
  const std::string bare(jid.bare_str());
  if (!accounts || !accounts->by_jid.contains(bare)) return std::nullopt;
  return TokenSlot::take(*folder, bare);
}

// Connects, runs the command, closes in order. `line` outlives the task.
Task<int> program(CommandLine& line, ClientOptions options) {
  options.reconnect = line.reconnects;
  options.stream_management = !line.uncounted;
  options.reads_archive = !line.messages;
  auto slot = token_slot(line, options.jid);
  if (slot) slot->use(options);
  Client client(std::move(options));
  if (slot) slot->follow(client);
  Result<> connected;
  if (line.registers) {
    connected = co_await client.register_account(line.registration_fields);
  } else {
    connected = co_await client.connect();
  }
  if (!connected) co_return report(connected.error());
  const int code = co_await line.command(client);
  co_await client.disconnect();
  co_return code;
}

int main_program(int argc, char** argv) {
  CommandLine line;
  CLI::App app("balcony: an XMPP client for people and scripts", "balcony");
  app.set_version_flag("--version", "balcony " BALCONY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand behind the command
  app.footer(std::string("Begin with: balcony login user@example.org; then balcony chat.\n"
                         "Each command has its own --help with examples.\n\n") +
             kExitCodeHelp);
  add_globals(app, line);
  add_messages(app, line);
  add_people(app, line);
  add_queries(app, line);
  add_accounts(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  const LogLevel quiet = line.quiet ? LogLevel::kOff : LogLevel::kWarning;
  set_log_level(line.debug ? LogLevel::kDebug : quiet);
  if (line.offline) return line.offline();
  auto options = client_options(line.globals);
  if (!options) return report(options.error());
  return run(program(line, *std::move(options)));
}

}  // namespace
}  // namespace balcony::cli

int main(int argc, char** argv) {
  return balcony::cli::main_program(argc, argv);
}
