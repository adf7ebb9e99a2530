// What the command line of `balcony` says: names, options, help and examples of all commands, and
// which of them was chosen. main.cc runs it.
#pragma once

#include "app/balcony/commands.h"

#include <CLI/App.hpp>

#include <functional>
#include <map>
#include <string>

namespace balcony::cli {

struct CommandLine {
  Globals globals;
  bool debug = false;
  bool registers = false;   // make the account, then log in
  bool reconnects = false;  // come back after a lost connection, resume the session
  bool messages = false;    // comes for messages, also for those that wait
  bool quiet = false;       // nothing may be written beside the command's screen
  bool uncounted = false;   // no stream management: what is sent is the user's
  std::map<std::string, std::string> registration_fields;
  LoginArguments login;
  std::string logout;
  SendArguments send;
  ListenArguments listen;
  RosterArguments roster;
  PresenceArguments presence;
  BlockArguments block;
  VCardArguments vcard;
  PasswdArguments passwd;
  PingArguments ping;
  DiscoArguments disco;
  std::string version_of;
  RawArguments raw;
  std::string chat_with;
  std::string jid;

  // One of the two is set: what to do with a connected client, or without one.
  std::function<Task<int>(Client&)> command;
  std::function<int()> offline;
};

// Adds everything to `app`; parsing fills `line`, which must outlive `app`.
void add_globals(CLI::App& app, CommandLine& line);
void add_accounts(CLI::App& app, CommandLine& line);  // command_line_accounts.cc
void add_messages(CLI::App& app, CommandLine& line);
void add_people(CLI::App& app, CommandLine& line);  // command_line_people.cc
void add_queries(CLI::App& app, CommandLine& line);

}  // namespace balcony::cli
