// roster, presence, block, unblock, vcard.
#include "app/balcony/command_line.h"

#include <CLI/CLI.hpp>

namespace balcony::cli {
namespace {

void add_roster(CLI::App& app, CommandLine& line) {
  using Action = RosterArguments::Action;
  CLI::App* command = app.add_subcommand("roster", "Show or change the roster");
  command->footer(
      "Examples:\n"
      "  balcony roster\n"
      "  balcony roster add juliet@example.org --name Juliet --group Friends\n"
      "  balcony roster rename juliet@example.org \"Juliet C.\"");
  command->require_subcommand(0, 1);
  command->callback([&line] {
    line.command = [&line](Client& c) { return roster(c, line.globals, line.roster); };
  });
  command->add_subcommand("list", "Show it; as without a command");
  CLI::App* add = command->add_subcommand("add", "Add or change a contact, and ask to see them");
  add->add_option("jid", line.roster.jid, "Whom")->required();
  add->add_option("--name", line.roster.name, "What you call them");
  add->add_option("--group", line.roster.groups, "A group; may be given several times");
  add->callback([&line] { line.roster.action = Action::kAdd; });
  CLI::App* remove = command->add_subcommand("remove", "Remove a contact");
  remove->add_option("jid", line.roster.jid, "Whom")->required();
  remove->callback([&line] { line.roster.action = Action::kRemove; });
  CLI::App* rename = command->add_subcommand("rename", "Call a contact something else");
  rename->add_option("jid", line.roster.jid, "Whom")->required();
  rename->add_option("name", line.roster.name, "What you call them; empty: nothing")->required();
  rename->callback([&line] { line.roster.action = Action::kRename; });
}

void add_presence(CLI::App& app, CommandLine& line) {
  using Action = PresenceArguments::Action;
  CLI::App* command = app.add_subcommand("presence", "Show who is there, or be there");
  command->footer(
      "Examples:\n"
      "  balcony presence\n"
      "  balcony presence set --show away --status 'at lunch'\n"
      "  balcony presence approve romeo@example.net");
  command->require_subcommand(0, 1);
  command->add_option("--wait", line.presence.wait_seconds, "Seconds to wait for answers")
      ->capture_default_str();
  command->add_option("--of", line.presence.jid, "Only of this contact");
  command->callback([&line] {
    line.messages = true;
    line.command = [&line](Client& c) { return presence(c, line.globals, line.presence); };
  });
  CLI::App* set = command->add_subcommand("set", "Be there until interrupted, or --timeout");
  set->add_option("--show", line.presence.show, "away, chat, dnd or xa; without it, simply there")
      ->check(CLI::IsMember({"away", "chat", "dnd", "xa"}));
  set->add_option("--status", line.presence.status, "A text for people");
  set->callback([&line] { line.presence.action = Action::kSet; });
  const auto add = [&](const char* name, const char* help, Action action) {
    CLI::App* one = command->add_subcommand(name, help);
    one->add_option("jid", line.presence.jid, "Whom")->required();
    one->callback([&line, action] { line.presence.action = action; });
  };
  add("subscribe", "Ask to see somebody's presence", Action::kSubscribe);
  add("approve", "Let somebody see yours, who has asked or will", Action::kApprove);
  add("deny", "Let somebody not see yours any more", Action::kDeny);
  add("unsubscribe", "See somebody's no more", Action::kUnsubscribe);
}

void add_blocking(CLI::App& app, CommandLine& line) {
  const auto run_it = [&line] {
    line.command = [&line](Client& c) { return block(c, line.globals, line.block); };
  };
  CLI::App* command = app.add_subcommand("block", "Block somebody, or show who is blocked");
  command->footer("Examples:\n  balcony block\n  balcony block spam.example mallory@example.net");
  command->add_option("jids", line.block.jids, "Users or domains; without any, who is blocked");
  command->callback(run_it);
  command = app.add_subcommand("unblock", "Unblock somebody");
  command->footer("Examples:\n  balcony unblock mallory@example.net\n  balcony unblock --all");
  auto* jids = command->add_option("jids", line.block.jids, "Users or domains");
  command->add_flag("--all", line.block.all, "Everybody")->excludes(jids);
  command->callback([&line, run_it] {
    if (line.block.jids.empty() && !line.block.all) {
      throw CLI::ValidationError("unblock", "whom? Name them, or say --all");
    }
    line.block.unblock = true;
    run_it();
  });
}

}  // namespace

void add_people(CLI::App& app, CommandLine& line) {
  add_roster(app, line);
  add_presence(app, line);
  add_blocking(app, line);

  CLI::App* command = app.add_subcommand("vcard", "Show somebody's card, or change yours");
  command->footer(
      "Examples:\n"
      "  balcony vcard juliet@example.org\n"
      "  balcony vcard set --name \"Alice A.\" --email alice@example.org");
  command->require_subcommand(0, 1);
  command->add_option("jid", line.vcard.of, "Whose; without it, your own");
  command->callback([&line] {
    line.command = [&line](Client& c) { return vcard(c, line.globals, line.vcard); };
  });
  CLI::App* set = command->add_subcommand("set", "Change your own; an empty text takes it out");
  for (const char* field : {"name", "nick", "email", "url", "birthday", "about"}) {
    set->add_option_function<std::string>(
        std::string("--") + field,
        [&line, field](const std::string& value) { line.vcard.fields[field] = value; },
        std::string("Your ") + field);
  }
  set->callback([&line] { line.vcard.change = true; });
}

}  // namespace balcony::cli
