// The operator's commands, declared once: name, arguments, result, help, examples, role, and what
// they do. balconyctl's command line and the control socket are made from this list; the admin HTTP
// API and ad-hoc commands (XEP-0050) can be (decision 0011).
//
// A command runs as a coroutine on the thread of one shard (CommandContext::at).
#pragma once

#include "server/config_reader.h"
#include "server/process_control.h"
#include "server/server.h"
#include "server/value.h"

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::server {

enum class ArgType : std::uint8_t {
  kText,    // on the command line in its place
  kJid,     // a text that is a valid JID
  kFlag,    // --name
  kSecret,  // a password: never on the command line
  kLines,   // a file's lines, which may come in several parts (Lines)
};

struct ArgSpec {
  std::string name;
  ArgType type = ArgType::kText;
  std::string help;
  bool required = true;
  std::vector<std::string> choices;  // of a kText; empty: any
};

// A part of a file. As JSON: {"first": 1, "more": true, "lines": ["...", …]}.
struct Lines {
  std::int64_t first = 1;  // the number of the first line
  bool more = false;       // more parts of the same file follow
  std::vector<std::string> lines;
};

// Who may run it.
enum class Role : std::uint8_t {
  kObserver,  // looks
  kOperator,  // changes
};

// What must be there for it to run.
enum class Needs : std::uint8_t {
  kConfig,    // the configuration alone
  kAccounts,  // the database: a running server, or nobody else who works on it
  kServer,    // a running server
};

struct CommandContext {
  ShardContext* at = nullptr;         // null with Needs::kConfig and no server
  Server* server = nullptr;           // the same
  ProcessControl* process = nullptr;  // null when no server runs
  std::shared_ptr<const Config> config;
  const ModuleList* modules = nullptr;
  // Gives out one row of a list, or {"done": n, "of": m}. Rows come before the result. A row waits
  // while the reader is slow.
  std::function<Task<>(Value row)> row;
  std::function<void(Value progress)> progress;
};

// Arguments that have been checked against their ArgSpecs.
class CommandArgs {
 public:
  // Errors: kUsage with a sentence: an unknown, missing or malformed argument.
  static Result<CommandArgs> check(const std::vector<ArgSpec>& specs, const Value& given);

  std::string text(std::string_view name) const { return given_.text_of(name); }
  bool flag(std::string_view name) const;
  Jid jid(std::string_view name) const;  // of a required kJid
  Lines lines(std::string_view name) const;

 private:
  Value given_;
};

struct CommandSpec {
  std::string name;     // "user add"
  std::string summary;  // one sentence
  std::vector<ArgSpec> args;
  // What is said of the result; {name} is replaced by its member, a list by its lines. Empty: the
  // result is shown as it is.
  std::string said;
  std::vector<std::string> examples;  // without "balconyctl"
  Role role = Role::kOperator;
  Needs needs = Needs::kServer;
  // The result after all rows; null where there is none. Both parameters outlive the task.
  std::function<Task<Result<Value>>(const CommandContext& context, const CommandArgs& args)> run;
  // Shown again and again, unless its flag "once" is given; each result has "up ms", each row a
  // "stream".
  bool live = false;
};

// All commands, in the order of the help.
const std::vector<CommandSpec>& all_commands();
// Null when there is none of the name.
const CommandSpec* find_command(std::string_view name);

// Checks the arguments and runs the command. Errors: kUsage (unknown command, bad arguments); the
// command's.
Task<Result<Value>> run_command(const CommandContext& context, std::string name, Value args);

// The groups that all_commands() is made of; one file each.
std::vector<CommandSpec> user_commands();
std::vector<CommandSpec> session_commands();
std::vector<CommandSpec> module_commands();
std::vector<CommandSpec> component_commands();
std::vector<CommandSpec> s2s_commands();
std::vector<CommandSpec> process_commands();
std::vector<CommandSpec> statistics_commands();
CommandSpec host_command();
CommandSpec import_command();
std::vector<CommandSpec> token_commands();

}  // namespace balcony::server
