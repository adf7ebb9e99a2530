// balcony-gateway: a gateway in a process of its own, at any server with components (XEP-0114).
#include "app/balcony-gateway/options_file.h"
#include "base/log.h"
#include "base/version.h"
#include "gateway/gateways.h"
#include "gateway/runner.h"
#include "net/service_notify.h"

#include <CLI/CLI.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace balcony::app {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct CommandLine {
  std::string name;
  std::string config = "/etc/balcony/gateway.toml";
  bool check = false;
};

int report(const Error& error) {
  std::fprintf(stderr, "balcony-gateway: %s\n", error.detail.c_str());
  return error.code == Errc::kConfig || error.code == Errc::kNotFound ? kUsage : kFailed;
}

void declare(CLI::App& app, CommandLine& line) {
  std::string names;
  for (const gateway::GatewaySpec* spec : gateway::all_gateways()) {
    names += (names.empty() ? "" : ", ") + spec->name;
  }
  app.set_version_flag("--version", "balcony-gateway " + std::string(kBalconyVersion));
  app.add_option("NAME", line.name, "Which gateway: " + names)->required();
  app.add_option("--config", line.config, "The options file")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--check-config", line.check, "Tell what is wrong with the file and end");
  app.footer(
      "Signals: SIGTERM and SIGINT end the gateway in order, SIGHUP opens the log file anew.\n"
      "Exit codes: 0 ended in order; 1 could not start; 2 called or configured wrongly.");
}

sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

Result<> start(const CommandLine& line, const GatewayFile& file, gateway::Runner& runner) {
  const auto found = std::ranges::find(file.gateways, line.name, &server::GatewayConfig::name);
  if (found == file.gateways.end()) {
    return fail(Errc::kConfig, line.config + ": there is no [gateway." + line.name + "]");
  }
  gateway::GatewaySetup setup;
  setup.spec = gateway::find_gateway(line.name);
  setup.options = found->options;
  setup.server = file.server;
  setup.secret = file.secret;
  setup.data = file.data;
  return line.check ? Result<>() : runner.start(std::move(setup));
}

int serve(const CommandLine& line) {
  const auto file = read_gateway_file(line.config);
  if (!file) return report(file.error());
  LogLevel level = LogLevel::kInfo;
  parse_log_level(file->log_level, level);
  set_log_level(level);
  if (!set_log_file(file->log_file)) {
    return report(Error(Errc::kIo, "cannot write the log file " + file->log_file));
  }
  ::umask(0077);
  const sigset_t signals = block_signals();
  gateway::Runner runner;
  if (auto started = start(line, *file, runner); !started) return report(started.error());
  if (line.check) {
    std::printf("%s: good\n", line.config.c_str());
    return 0;
  }
  log_info("ready", {{"gateway", line.name}});
  notify_service_manager("READY=1");
  for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
    if (::sigwait(&signals, &signal) == 0 && signal == SIGHUP) reopen_log();
  }
  notify_service_manager("STOPPING=1");
  return 0;
}

int main_program(int argc, char** argv) {
  CommandLine line;
  CLI::App app("balcony-gateway: one world more for XMPP", "balcony-gateway");
  declare(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return serve(line);
}

}  // namespace
}  // namespace balcony::app

int main(int argc, char** argv) {
  return balcony::app::main_program(argc, argv);
}
