// The program `balcony`: an XMPP client for people and scripts. Here are the names of commands and
// options; what they do is in the files of their names.
#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include "base/log.h"

#include <CLI/CLI.hpp>

#include <functional>

namespace balcony::cli {
namespace {

using Command = std::function<Task<int>(Client&)>;

struct CommandLine {
  Globals globals;
  bool debug = false;
  bool registers = false;
  std::map<std::string, std::string> registration_fields;
  SendArguments send;
  ListenArguments listen;
  RosterArguments roster;
  PingArguments ping;
  DiscoArguments disco;
  RawArguments raw;
  Command command;
};

// Connects, runs the command, closes in order. `line` outlives the task.
Task<int> program(CommandLine& line, ClientOptions options) {
  Client client(std::move(options));
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

void add_globals(CLI::App& app, CommandLine& line) {
  Globals& globals = line.globals;
  app.add_option("-u,--jid", globals.jid, "Who you are: user@example.org")->envname("BALCONY_JID");
  app.add_option("--password-file", globals.password_file,
                 "The password is the first line of FILE. Else BALCONY_PASSWORD, else it is "
                 "asked for")
      ->type_name("FILE");
  app.add_option("--server", globals.server, "host:port in place of what DNS says")
      ->type_name("HOST");
  app.add_option("--ca", globals.ca_file, "Trust the authorities in this PEM file")
      ->type_name("FILE");
  app.add_flag("--insecure", globals.insecure,
               "Do not check the server's certificate: anybody in between can read along");
  app.add_option("--tls", globals.tls, "starttls, direct or none (none: this machine only)")
      ->check(CLI::IsMember({"starttls", "direct", "none"}))
      ->capture_default_str();
  app.add_flag("--json", globals.json, "Print one JSON object a line");
  app.add_option("--timeout", globals.timeout_seconds, "Give up after so many seconds (30)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  app.add_flag("--debug", line.debug, "Log what happens to standard error");
}

void add_messages(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("send", "Send a message");
  command->add_option("to", line.send.to, "To whom: user@example.org")->required();
  command->add_option("body", line.send.body, "What; without it, standard input");
  command->add_option("--subject", line.send.subject, "Its subject");
  command->add_option("--type", line.send.type, "Its type")
      ->check(CLI::IsMember({"chat", "normal", "headline", "groupchat"}))
      ->capture_default_str();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return send(c, line.globals, line.send); }; });

  command = app.add_subcommand("listen", "Print messages as they come");
  command->add_option("--count", line.listen.count, "End after so many messages");
  command->add_flag("--presence", line.listen.presence, "Print presences too");
  command->callback([&line] {
    line.command = [&line](Client& c) { return listen(c, line.globals, line.listen); };
  });

  command = app.add_subcommand("raw", "Send XML as it is and print what comes");
  command->add_option("xml", line.raw.xml, "What to send; without it, standard input");
  command->add_option("--count", line.raw.count, "End after so many elements came");
  command->add_option("--wait", line.raw.wait_seconds, "Seconds to wait after the end of input")
      ->capture_default_str();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return raw(c, line.globals, line.raw); }; });
}

void add_roster(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("roster", "Show or change the roster");
  command->require_subcommand(0, 1);
  command->callback([&line] {
    line.command = [&line](Client& c) { return roster(c, line.globals, line.roster); };
  });
  CLI::App* add = command->add_subcommand("add", "Add or change a contact, and ask to see them");
  add->add_option("jid", line.roster.jid, "Whom")->required();
  add->add_option("--name", line.roster.name, "What you call them");
  add->add_option("--group", line.roster.groups, "A group; may be given several times");
  add->callback([&line] { line.roster.action = RosterArguments::Action::kAdd; });
  CLI::App* remove = command->add_subcommand("remove", "Remove a contact");
  remove->add_option("jid", line.roster.jid, "Whom")->required();
  remove->callback([&line] { line.roster.action = RosterArguments::Action::kRemove; });
}

void add_queries(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("ping", "Ask for a sign of life");
  command->add_option("to", line.ping.to, "Whom; without it, the server");
  command->add_option("--count", line.ping.count, "How often, once a second")
      ->capture_default_str();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return ping(c, line.globals, line.ping); }; });

  command = app.add_subcommand("disco", "Show what somebody can do (service discovery)");
  command->add_option("to", line.disco.to, "Who; without it, the server");
  command->add_option("--node", line.disco.node, "A node of theirs");
  command->add_flag("--items", line.disco.items, "Show what belongs to them instead");
  command->callback([&line] {
    line.command = [&line](Client& c) { return disco(c, line.globals, line.disco); };
  });

  command = app.add_subcommand("register", "Make the account, where the server lets strangers");
  command->add_option("--field", line.registration_fields,
                      "What the server asks for beside: NAME VALUE");
  command->callback([&line] {
    line.registers = true;
    line.command = [](Client& c) -> Task<int> {
      say("registered " + std::string(c.jid().bare_str()));
      co_return kOk;
    };
  });
}

int main_program(int argc, char** argv) {
  CommandLine line;
  CLI::App app("balcony: an XMPP client for people and scripts", "balcony");
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand behind the command
  app.footer(kExitCodeHelp);
  add_globals(app, line);
  add_messages(app, line);
  add_roster(app, line);
  add_queries(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  set_log_level(line.debug ? LogLevel::kDebug : LogLevel::kWarning);
  auto options = client_options(line.globals);
  if (!options) return report(options.error());
  return run(program(line, *std::move(options)));
}

}  // namespace
}  // namespace balcony::cli

int main(int argc, char** argv) {
  return balcony::cli::main_program(argc, argv);
}
