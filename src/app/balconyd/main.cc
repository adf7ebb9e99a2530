// balconyd: the server.
#include "app/balconyd/demo.h"
#include "app/balconyd/gateways.h"
#include "app/balconyd/service.h"
#include "base/log.h"
#include "base/version.h"
#include "modules/modules.h"
#include "server/config_reference.h"

#include <CLI/CLI.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace balcony::app {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct CommandLine {
  std::string config;
  std::string log_level;
  std::string data;
  std::uint16_t port = 5222;
  bool check = false;
  bool demo = false;
  bool reference = false;
};

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

// A connection is a descriptor: as many as the system gives.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int report(const Error& error) {
  std::string text = "balconyd: ";
  const auto problems = 1 + std::ranges::count(error.detail, '\n');
  if (error.code == Errc::kConfig && problems > 1) {
    text += "the configuration has " + std::to_string(problems) + " problems:\n";
  }
  print(stderr, text + error.detail + '\n');
  return error.code == Errc::kConfig || error.code == Errc::kNotFound ? kUsage : kFailed;
}

std::vector<server::ConfigOverride> overrides(const CommandLine& line) {
  auto all = server::environment_overrides(environ);
  if (!line.log_level.empty()) all.push_back({"log", "level", line.log_level, "--log-level"});
  return all;
}

int check(const Service::Reader& reader) {
  const auto config = reader();
  if (!config) return report(config.error());
  std::string text = (*config)->file.empty() ? "the defaults" : (*config)->file;
  text += ": good. Hosts:";
  for (const server::HostConfig& host : (*config)->hosts) text += ' ' + host.domain;
  print(stdout, text + '\n');
  return 0;
}

int serve(const Service::Reader& reader) {
  Service service(reader);
  if (auto started = service.start(); !started) return report(started.error());
  service.run();
  return 0;
}

int demonstrate(const CommandLine& line) {
  auto demo = Demo::prepare({line.data, line.port});
  if (!demo) return report(demo.error());
  Service service([&demo, &line]() {
    return server::read_config(demo->text(), "", overrides(line), modules::all_modules());
  });
  if (auto started = service.start(); !started) return report(started.error());
  if (auto made = demo->make_accounts(service.server()); !made) return report(made.error());
  print(stdout, demo->banner());
  service.run();
  return 0;
}

void declare(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", "balconyd " + std::string(kBalconyVersion));
  app.add_option("--config", line.config,
                 "The configuration; else BALCONY_CONFIG, else /etc/balcony/balcony.toml if it "
                 "exists, else the defaults")
      ->type_name("FILE");
  app.add_flag("--check-config", line.check, "Tell what is wrong with the configuration and end");
  app.add_option("--log-level", line.log_level, "debug, info, warning, error or off")
      ->type_name("LEVEL");
  app.add_flag("--demo", line.demo, "A server on loopback to play with, with two accounts");
  app.add_option("--data", line.data, "With --demo: keep everything here, not in memory")
      ->type_name("DIR");
  app.add_option("--port", line.port, "With --demo: the first port that is tried")
      ->type_name("N")
      ->check(CLI::Range(1, 65'000))
      ->capture_default_str();
  app.add_flag("--print-reference", line.reference, "Print docs/configuration.md");
  app.footer(
      "Signals: SIGTERM and SIGINT end the server in order, SIGHUP reads the configuration again.\n"
      "Exit codes: 0 ended in order; 1 could not start; 2 called or configured wrongly.");
}

int main_program(int argc, char** argv) {
  CommandLine line;
  CLI::App app("balconyd: the XMPP server of Balcony", "balconyd");
  declare(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (line.reference) {
    print(stdout, server::config_reference(modules::all_modules(), gateway_kinds()));
    return 0;
  }
  if (!line.demo && !line.data.empty()) {
    return report(Error(Errc::kConfig,
                        "--data goes with --demo; else set `data` in the file, or "
                        "BALCONY_DATA"));
  }
  const Service::Reader reader = [&line] {
    return server::load_config(server::config_file(line.config), overrides(line),
                               modules::all_modules(), &gateway_kinds());
  };
  if (line.check) return check(reader);
  ::umask(0077);  // keys and messages are nobody else's to read
  raise_descriptor_limit();
  block_signals();
  return line.demo ? demonstrate(line) : serve(reader);
}

}  // namespace
}  // namespace balcony::app

int main(int argc, char** argv) {
  return balcony::app::main_program(argc, argv);
}
