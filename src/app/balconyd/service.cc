#include "app/balconyd/service.h"

#include "base/log.h"
#include "base/version.h"
#include "modules/modules.h"
#include "net/service_notify.h"

#include <csignal>
#include <unistd.h>

namespace balcony::app {
namespace {

// Says that somebody has put a request into the queue.
constexpr int kRequest = SIGUSR1;

sigset_t our_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kRequest}) ::sigaddset(&set, signal);
  return set;
}

// One line of the log for each problem of a configuration.
void log_problems(std::string_view event, const std::string& problems) {
  for (std::size_t start = 0; start < problems.size();) {
    const std::size_t end = std::min(problems.find('\n', start), problems.size());
    log_error(event, {{"problem", problems.substr(start, end - start)}});
    start = end + 1;
  }
}

void log_start(const server::Config& config) {
  log_info("starting", {{"version", kBalconyVersion},
                        {"configuration", config.file.empty() ? "defaults" : config.file},
                        {"data", config.data},
                        {"storage", config.storage.backend}});
  for (const server::HostConfig& host : config.hosts) {
    log_info("host", {{"domain", host.domain}, {"modules", host.modules.size()}});
  }
}

}  // namespace

void block_signals() {
  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // A limit on the size of files is an error of write() like a full disk, and no reason to die.
  ::signal(SIGXFSZ, SIG_IGN);
}

Result<> set_up_log(const server::LogConfig& log) {
  LogLevel level = LogLevel::kInfo;
  parse_log_level(log.level, level);
  set_log_level(level);
  if (!set_log_file(log.file)) return fail(Errc::kIo, "cannot write the log file " + log.file);
  return {};
}

Result<> Service::start() {
  BALCONY_ASSIGN(Configuration read, reader_());
  const Configuration config = gateways_.with_components(std::move(read));
  BALCONY_CHECK(set_up_log(config->log));
  log_start(*config);
  BALCONY_ASSIGN(lock_, server::DataLock::take(config->data));
  BALCONY_CHECK(server_.start(config));
  BALCONY_ASSIGN(control_, server::ControlSocket::open(server_, *this, modules::all_modules()));
  metrics_ = server::MetricsPage::open(server_, config->metrics);
  // One that cannot start is in the log; those who chat need not wait for it.
  (void)gateways_.start_missing(*config, server_);
  return {};
}

void Service::run() {
  log_info("ready");
  notify_service_manager("READY=1");
  const sigset_t set = our_signals();
  for (;;) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) continue;
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) {
      reopen_log();
      (void)reload_now();  // has said in the log what was wrong
    }
    run_requests();
  }
  log_info("stopping");
  notify_service_manager("STOPPING=1");
  metrics_.reset();
  control_.reset();
  gateways_.stop();
  server_.stop();
}

Result<> Service::reload_now() {
  auto config = reader_();
  if (config) {
    config = gateways_.with_components(*std::move(config));
    gateways_.stop_changed(**config);
  }
  Result<> done = config ? server_.reload(*config) : fail(config.error());
  if (done) done = set_up_log((*config)->log);
  // Also after a refusal: those that were stopped for it come back as they were.
  const Result<> started = gateways_.start_missing(*server_.config(), server_);
  if (done) done = started;
  if (!done) {
    log_problems("configuration refused", done.error().detail);
    return done;
  }
  if (!metrics_ || metrics_->config() != (*config)->metrics) {
    metrics_.reset();
    metrics_ = server::MetricsPage::open(server_, (*config)->metrics);
  }
  const std::string& file = (*config)->file;
  log_info("reloaded", {{"configuration", file.empty() ? "defaults" : file}});
  return done;
}

void Service::run_requests() {
  std::vector<std::function<void(Result<>)>> reloads;
  {
    const std::lock_guard lock(mutex_);
    reloads.swap(reloads_);
  }
  if (reloads.empty()) return;
  const Result<> outcome = reload_now();
  for (const auto& done : reloads) done(outcome);
}

void Service::reload(std::function<void(Result<>)> done) {
  {
    const std::lock_guard lock(mutex_);
    reloads_.push_back(std::move(done));
  }
  ::kill(::getpid(), kRequest);
}

void Service::stop() {
  ::kill(::getpid(), SIGTERM);
}

}  // namespace balcony::app
