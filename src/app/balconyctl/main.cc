// balconyctl: the operator's tool. Its commands are those of server/commands.h.
#include "app/balconyctl/completion.h"
#include "app/balconyctl/exit_code.h"
#include "app/balconyctl/input.h"
#include "app/balconyctl/live.h"
#include "app/balconyctl/output.h"
#include "app/balconyctl/runner.h"
#include "base/log.h"
#include "base/random.h"
#include "base/version.h"
#include "modules/modules.h"

#include <CLI/CLI.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <map>

namespace balcony::app {
namespace {

using server::ArgSpec;
using server::ArgType;
using server::CommandSpec;
using server::Value;

struct Globals {
  std::string config;
  std::string control;
  bool json = false;
};

// One command with what was given to it.
struct Call {
  const CommandSpec* spec = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> flags;
  bool generate = false;
};

// ---- the command line
// ------------------------------------------------------------------------------

void declare_arg(const ArgSpec& arg, Call& call) {
  switch (arg.type) {
    case ArgType::kText:
    case ArgType::kJid:
    case ArgType::kLines: {
      CLI::Option* const option = call.app->add_option(arg.name, call.texts[arg.name], arg.help)
                                      ->required(arg.required)
                                      ->type_name("");
      if (!arg.choices.empty()) option->check(CLI::IsMember(arg.choices));
      return;
    }
    case ArgType::kFlag:
      call.app->add_flag("--" + arg.name, call.flags[arg.name], arg.help);
      return;
    case ArgType::kSecret:
      call.app->add_flag("--generate", call.generate,
                         "Make a password and print it; else it is read from standard input");
      return;
  }
}

void declare(const CommandSpec& spec, CLI::App& app, std::map<std::string, CLI::App*>& groups,
             Call& call) {
  CLI::App* parent = &app;
  std::string name = spec.name;
  if (const std::size_t space = name.find(' '); space != std::string::npos) {
    const std::string group = name.substr(0, space);
    name.erase(0, space + 1);
    CLI::App*& made = groups[group];
    if (!made) {
      made = app.add_subcommand(group, "Commands about: " + group);
      made->require_subcommand(1);
      made->fallthrough();
    }
    parent = made;
  }
  call.spec = &spec;
  call.app = parent->add_subcommand(name, spec.summary);
  call.app->fallthrough();
  for (const ArgSpec& arg : spec.args) declare_arg(arg, call);
  std::string footer = "For example:\n";
  for (const std::string& example : spec.examples) footer += "  balconyctl " + example + '\n';
  call.app->footer(footer);
}

void declare_globals(CLI::App& app, Globals& globals) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "balconyctl " + std::string(kBalconyVersion));
  app.add_option("--config", globals.config,
                 "The server's configuration; else BALCONY_CONFIG, else "
                 "/etc/balcony/balcony.toml")
      ->type_name("FILE");
  app.add_option("--control", globals.control, "The server's control socket; else as configured")
      ->type_name("PATH");
  app.add_flag("--json", globals.json, "Print one JSON object");
  app.footer(std::string("Commands about accounts also work while no server runs.\n") +
             kExitCodeHelp);
}

// ---- arguments
// -------------------------------------------------------------------------------------

Result<Value> collect(Call& call, std::string& generated) {
  Value args = Value::Members{};
  for (const ArgSpec& arg : call.spec->args) {
    if (arg.type == ArgType::kFlag) {
      args.set(arg.name, call.flags[arg.name]);
    } else if (arg.type == ArgType::kSecret) {
      if (call.generate) generated = system_random().token(12);
      std::string secret = generated;
      if (!call.generate) {
        BALCONY_ASSIGN(secret, read_password(call.texts["jid"]));
      }
      args.set(arg.name, secret);
    } else if (arg.type != ArgType::kLines && !call.texts[arg.name].empty()) {
      args.set(arg.name, call.texts[arg.name]);
    }
  }
  return args;
}

Value to_value(const server::Lines& part) {
  Value value;
  value.set("first", part.first);
  value.set("more", part.more);
  value.set("lines", Value::texts(part.lines));
  return value;
}

// Adds the numbers of a part's result to those of the parts before.
void add(Value& sum, const Value& part) {
  for (const Value::Member& member : *part.members()) {
    sum.set(member.name, sum.number_of(member.name) + *member.value.number());
  }
}

Result<Value> run_parts(const ArgSpec& arg, Call& call, Value args, LineReader& file,
                        Runner& runner, Output& output) {
  Value sum;
  for (;;) {
    BALCONY_ASSIGN(const server::Lines part, file.next());
    args.set(arg.name, to_value(part));
    const std::int64_t before = part.first - 1;
    const auto progress = [&output, before](const Value& p) {
      output.show_progress(before + p.number_of("done"), before + p.number_of("of"));
    };
    BALCONY_ASSIGN(const Value result, runner.run(*call.spec, args, output, progress));
    add(sum, result);
    const auto end = before + static_cast<std::int64_t>(part.lines.size());
    if (!part.more) return sum;
    output.show_progress(end, end);
  }
}

// ---- running
// ---------------------------------------------------------------------------------------

Result<std::unique_ptr<Runner>> find_runner(const CommandSpec& spec, const Globals& globals) {
  const auto overrides = server::environment_overrides(environ);
  const std::string file = server::config_file(globals.config);
  std::string control = globals.control;
  if (control.empty()) {
    BALCONY_ASSIGN(control, server::find_control_path(file, overrides));
  }
  auto remote = connect_to_server(control);
  // A named socket means that server and no other way.
  if (remote || !globals.control.empty()) return remote;
  BALCONY_ASSIGN(auto config, server::load_config(file, overrides, modules::all_modules()));
  return run_here(spec, std::move(config));
}

Result<Value> run(Call& call, const Globals& globals, Output& output) {
  std::string generated;
  std::optional<LineReader> file;
  const ArgSpec* lines = nullptr;
  for (const ArgSpec& arg : call.spec->args) {
    if (arg.type != ArgType::kLines) continue;
    lines = &arg;
    // Before anything else: a local runner may become another user.
    BALCONY_ASSIGN(file, LineReader::open(call.texts[arg.name]));
  }
  BALCONY_ASSIGN(const Value args, collect(call, generated));
  BALCONY_ASSIGN(const auto runner, find_runner(*call.spec, globals));
  if (lines) return run_parts(*lines, call, args, *file, *runner, output);
  BALCONY_ASSIGN(Value result, runner->run(*call.spec, args, output, [&output](const Value& p) {
    output.show_progress(p.number_of("done"), p.number_of("of"));
  }));
  if (!generated.empty()) result.set("password", generated);
  return result;
}

// Shows one result after the other, until nobody looks any more or the server is gone.
int watch(Call& call, const Globals& globals) {
  constexpr int kEvery = 2'000;
  const bool screen = !globals.json && ::isatty(STDOUT_FILENO) == 1;
  Rates rates;
  std::unique_ptr<Runner> runner;
  do {
    Output output(globals.json ? Output::Form::kJson : Output::Form::kText);
    if (!runner) {
      auto found = find_runner(*call.spec, globals);
      if (!found) return output.fail(found.error());
      runner = *std::move(found);
    }
    const Value no_args = Value::Members{};
    auto result = runner->run(*call.spec, no_args, output, [](const Value&) {});
    if (!result) return output.fail(result.error());
    rates.add(*result, output.rows());
    if (screen) std::cout << "\x1b[H\x1b[J" << std::flush;
    output.finish(*call.spec, *result);
  } while (wait_for_next(kEvery));
  return kOk;
}

int finish(Call& call, const Globals& globals) {
  if (call.spec->live && !call.flags["once"]) return watch(call, globals);
  Output output(globals.json ? Output::Form::kJson : Output::Form::kText);
  const auto result = run(call, globals, output);
  if (!result) return output.fail(result.error());
  output.finish(*call.spec, *result);
  return result->number_of("failed") > 0 ? kFailed : kOk;
}

// CLI11 says what it did not expect; this says what may have been meant.
void suggest(int argc, char** argv) {
  std::vector<std::string> words{"completion", "man"};
  for (const CommandSpec& spec : server::all_commands()) {
    for (std::size_t at = 0; at < spec.name.size();) {
      const std::size_t end = std::min(spec.name.find(' ', at), spec.name.size());
      words.push_back(spec.name.substr(at, end - at));
      at = end + 1;
    }
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--config" || word == "--control") ++i;  // with its value
    if (word.starts_with('-') || std::ranges::find(words, word) != words.end()) continue;
    const std::string nearest = nearest_name(word, words);
    if (!nearest.empty()) std::cerr << "Did you mean \"" << nearest << "\"?\n";
    return;
  }
}

// What this program says of itself.
struct About {
  std::string shell;
  CLI::App* completion = nullptr;
  CLI::App* man = nullptr;

  void declare(CLI::App& app) {
    completion = app.add_subcommand("completion", "Prints a script for the completion of a shell.");
    completion->add_option("shell", shell, "bash or zsh")
        ->required()
        ->type_name("")
        ->check(CLI::IsMember({"bash", "zsh"}));
    completion->footer("For example:\n  source <(balconyctl completion bash)\n");
    man = app.add_subcommand("man", "Prints the manual page, for man -l.");
  }
  bool print() const {
    if (completion->parsed()) {
      std::cout << (shell == "zsh" ? zsh_completion() : bash_completion());
    } else if (man->parsed()) {
      std::cout << manual_page();
    } else {
      return false;
    }
    std::cout << std::flush;
    return true;
  }
};

int main_program(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  set_log_level(LogLevel::kWarning);
  Globals globals;
  CLI::App app("balconyctl: looks after a Balcony server", "balconyctl");
  declare_globals(app, globals);
  std::map<std::string, CLI::App*> groups;
  std::vector<Call> calls(server::all_commands().size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    declare(server::all_commands()[i], app, groups, calls[i]);
  }
  About about;
  about.declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return kOk;
    suggest(argc, argv);
    return kUsage;
  }
  if (about.print()) return std::cout ? kOk : kFailed;
  for (Call& call : calls) {
    if (call.app->parsed()) return finish(call, globals);
  }
  return kUsage;
}

}  // namespace
}  // namespace balcony::app

int main(int argc, char** argv) {
  return balcony::app::main_program(argc, argv);
}
