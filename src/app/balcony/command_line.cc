// The global options, and the commands that talk: send, listen, chat, raw, and those that ask.
#include "app/balcony/command_line.h"

#include "app/balcony/output.h"

#include <CLI/CLI.hpp>

namespace balcony::cli {

void add_globals(CLI::App& app, CommandLine& line) {
  Globals& globals = line.globals;
  app.add_option("-u,--jid", globals.jid, "Who you are: user@example.org")->envname("BALCONY_JID");
  app.add_option("-a,--account", globals.account,
                 "A stored account, by its address or name; without it, the default one")
      ->type_name("ACCOUNT");
  app.add_option("--password-file", globals.password_file,
                 "The password is the first line of FILE. Else BALCONY_PASSWORD, else as the "
                 "account says, else it is asked for")
      ->type_name("FILE");
  app.add_option("--server", globals.server, "host:port in place of what DNS says")
      ->type_name("HOST");
  app.add_option("--ca", globals.ca_file, "Trust the authorities in this PEM file")
      ->type_name("FILE");
  app.add_flag("--insecure", globals.insecure,
               "Do not check the server's certificate: anybody in between can read along");
  app.add_option("--tls", globals.tls, "starttls, direct or none (none: this machine only)")
      ->check(CLI::IsMember({"starttls", "direct", "none"}));
  app.add_flag("--json", globals.json, "Print one JSON object a line");
  app.add_option("--timeout", globals.timeout_seconds, "Give up after so many seconds (30)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  app.add_flag("--debug", line.debug, "Log what happens to standard error");
}

namespace {

void add_send(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("send", "Send a message");
  command->footer(
      "Examples:\n"
      "  balcony send juliet@example.org \"Good morning\"\n"
      "  uptime | balcony send admin@example.org --to second@example.org\n"
      "Ends with 1 when the server refused it for one of them.");
  command->add_option("to", line.send.to, "To whom: user@example.org")->required();
  command->add_option("body", line.send.body, "What; without it, standard input");
  command->add_option("--to", line.send.also_to, "To whom else; may be given several times")
      ->expected(1)
      ->take_all();
  command->add_option("--subject", line.send.subject, "Its subject");
  command->add_option("--type", line.send.type, "Its type")
      ->check(CLI::IsMember({"chat", "normal", "headline", "groupchat"}))
      ->capture_default_str();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return send(c, line.globals, line.send); }; });
}

void add_listen(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("listen", "Print messages as they come");
  command->footer(
      "After a lost connection it comes back and resumes its session.\n"
      "With --exec the command reads the body from standard input and finds BALCONY_FROM,\n"
      "BALCONY_FROM_BARE, BALCONY_TYPE, BALCONY_ID and BALCONY_SUBJECT in its environment.\n"
      "They hold what a stranger wrote: quote them, and do not evaluate them.\n"
      "Examples:\n"
      "  balcony listen --json | jq -r .body\n"
      "  balcony listen --exec 'notify-send \"$BALCONY_FROM_BARE\" \"$(cat)\"'");
  command->add_option("--count", line.listen.count, "End after so many messages");
  command->add_flag("--presence", line.listen.presence, "Print presences too");
  command->add_option("--exec", line.listen.exec, "Run this with the shell for each message")
      ->type_name("CMD");
  command->callback([&line] {
    line.reconnects = true;
    line.messages = true;
    line.command = [&line](Client& c) { return listen(c, line.globals, line.listen); };
  });
}

void add_raw(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("raw", "Send XML as it is and print what comes");
  command->footer(
      "Example:\n"
      "  balcony raw --count 1 \"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>\"");
  command->add_option("xml", line.raw.xml, "What to send; without it, standard input");
  command->add_option("--count", line.raw.count, "End after so many elements came");
  command->add_option("--wait", line.raw.wait_seconds, "Seconds to wait after the end of input")
      ->capture_default_str();
  command->callback([&line] {
    line.uncounted = true;
    line.messages = true;
    line.command = [&line](Client& c) { return raw(c, line.globals, line.raw); };
  });
}

void add_chat(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("chat", "Talk to people on the whole screen");
  command->footer(
      "Type and press Enter. /help shows the commands, Tab goes to the next conversation,\n"
      "Page Up and Page Down through its text, Ctrl-C ends.\n"
      "Examples:\n"
      "  balcony chat\n"
      "  balcony chat juliet@example.org");
  command->add_option("jid", line.chat_with, "With whom to begin");
  command->callback([&line] {
    line.reconnects = true;
    line.quiet = true;
    line.messages = true;
    line.command = [&line](Client& c) { return run_chat(c, line.globals, line.chat_with); };
  });
}

void add_disco(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("disco", "Show what somebody can do (service discovery)");
  command->footer(
      "Examples:\n"
      "  balcony disco\n"
      "  balcony disco --tree\n"
      "  balcony disco rooms.example.org --items");
  command->add_option("to", line.disco.to, "Who; without it, the server");
  command->add_option("--node", line.disco.node, "A node of theirs");
  command->add_flag("--items", line.disco.items, "Show what belongs to them instead");
  command->add_flag("--tree", line.disco.tree, "Show all that belongs to them, as a tree")
      ->excludes("--items");
  command->callback([&line] {
    line.command = [&line](Client& c) { return disco(c, line.globals, line.disco); };
  });
}

}  // namespace

void add_messages(CLI::App& app, CommandLine& line) {
  add_send(app, line);
  add_listen(app, line);
  add_chat(app, line);
  add_raw(app, line);
}

void add_queries(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("ping", "Ask for a sign of life");
  command->footer("Examples:\n  balcony ping\n  balcony ping --count 5 example.net");
  command->add_option("to", line.ping.to, "Whom; without it, the server");
  command->add_option("--count", line.ping.count, "How often, once a second")
      ->capture_default_str();
  command->callback(
      [&line] { line.command = [&line](Client& c) { return ping(c, line.globals, line.ping); }; });

  add_disco(app, line);

  command = app.add_subcommand("version", "Ask which software somebody uses");
  command->footer("Examples:\n  balcony version\n  balcony version juliet@example.org/phone");
  command->add_option("of", line.version_of, "Who; without it, the server");
  command->callback([&line] {
    line.command = [&line](Client& c) { return version(c, line.globals, line.version_of); };
  });

  command = app.add_subcommand("jid", "Explain addresses");
  command->require_subcommand(1);
  CLI::App* explain_it = command->add_subcommand(
      "explain", "Show its parts, what preparation does to each, or which rule it breaks");
  explain_it->footer(
      "Needs no account. Ends with 1 when it is no address.\n"
      "Example:\n  balcony jid explain 'Juliet@Example.ORG/Balcony'");
  explain_it->add_option("jid", line.jid, "The address")->required();
  explain_it->callback(
      [&line] { line.offline = [&line] { return explain(line.globals, line.jid); }; });
}

}  // namespace balcony::cli
