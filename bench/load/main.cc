// balcony_bench: loads an XMPP server and tells what that cost it.
#include "base/log.h"
#include "bench/load/scenarios.h"

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace balcony::bench {
namespace {

void declare(CLI::App& app, Options& options) {
  app.add_option("scenario", options.scenario, "chat, ping, idle, login, contacts or storm")
      ->required()
      ->check(CLI::IsMember({"chat", "ping", "idle", "login", "contacts", "storm"}));
  app.add_option("--host", options.address, "Address of the server")->capture_default_str();
  app.add_option("--port", options.port)->capture_default_str();
  app.add_option("--users", options.users, "Accounts; %d is a number from 0")
      ->capture_default_str();
  app.add_option("--users-file", options.users_file, "Lines of \"JID password\" instead");
  app.add_option("--far-port", options.far_port, "chat: receivers are at this server's port");
  app.add_option("--far-users", options.far_users, "And these are their accounts")
      ->capture_default_str();
  app.add_option("--far-pid", options.far_pid, "And its process");
  app.add_option("--password", options.password)->capture_default_str();
  app.add_option("--mechanism", options.mechanism, "PLAIN or SCRAM")
      ->check(CLI::IsMember({"PLAIN", "SCRAM"}))
      ->capture_default_str();
  app.add_flag("--tls", options.tls, "STARTTLS; any certificate will do");
  app.add_flag("--managed", options.managed, "chat: with acknowledgements (XEP-0198) on both ends");
  app.add_flag("--presence", options.presence, "Initial presence after binding");
  app.add_option("--parallel", options.parallel, "Logins under way at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--sessions", options.sessions, "chat: two make a pair")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--in-flight", options.in_flight, "Messages of each pair, pings of each session")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rate", options.rate, "chat: so many messages a second, not by --in-flight");
  app.add_option("--contacts", options.contacts, "contacts, storm: of each account")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--body", options.body, "Bytes of a message's body")->capture_default_str();
  app.add_option("--messages", options.messages, "End after so many, not after --duration");
  app.add_option("--rounds", options.rounds, "login: how often")->capture_default_str();
  app.add_option("--pid", options.pid, "The server's process, for its CPU time and memory");
  app.add_flag("--json", options.json, "One JSON object");
  const auto seconds = [](std::chrono::milliseconds& to) {
    return [&to](const double& s) { to = std::chrono::milliseconds(static_cast<int>(s * 1000)); };
  };
  app.add_option_function<double>("--warm-up", seconds(options.warm_up), "Seconds (1)");
  app.add_option_function<double>("--duration", seconds(options.duration), "Seconds (5)");
}

Task<Result<Report>> scenario(Shard& shard, Crowd& crowd, const Options& options) {
  if (options.scenario == "idle") return idle(shard, crowd, options);
  if (options.scenario == "login") return login(shard, crowd, options);
  if (options.scenario == "contacts") return contacts(shard, crowd, options);
  if (options.scenario == "storm") return storm(shard, crowd, options);
  return exchange(shard, crowd, options);
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Options& options) {
  Shard shard;
  Crowd crowd(shard, options);
  if (auto ready = crowd.set_up(); !ready) {
    std::fprintf(stderr, "balcony_bench: %s\n", ready.error().to_string().c_str());
    return 2;
  }
  int code = 1;
  shard.post([&] {
    spawn([](Shard& on, Crowd& with, const Options& how, int& out) -> Task<> {
      auto report = co_await scenario(on, with, how);
      if (report) {
        std::fputs((how.json ? report->json() : report->text()).c_str(), stdout);
        out = 0;
      } else {
        std::fprintf(stderr, "balcony_bench: %s\n", report.error().to_string().c_str());
      }
      on.stop();
    }(shard, crowd, options, code));
  });
  shard.run();
  std::fflush(stdout);
  // Thousands of sockets are closed faster by the kernel than one after the other.
  ::_exit(code);
}

}  // namespace
}  // namespace balcony::bench

int main(int argc, char** argv) {
  balcony::bench::Options options;
  CLI::App app("Loads an XMPP server and tells what that cost it.", "balcony_bench");
  balcony::bench::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  balcony::set_log_level(balcony::LogLevel::kWarning);
  balcony::bench::raise_descriptor_limit();
  return balcony::bench::run(options);
}
