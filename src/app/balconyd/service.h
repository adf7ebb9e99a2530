// The server as a process: start, signals, reload, stop.
//
// SIGTERM and SIGINT end it in order, SIGHUP reloads and reopens the log. All signals are taken by
// the main thread with sigwait(3): no handler ever interrupts anything.
#pragma once

#include "app/balconyd/gateways.h"
#include "server/config_reader.h"
#include "server/control_socket.h"
#include "server/data_lock.h"
#include "server/metrics_page.h"
#include "server/process_control.h"
#include "server/server.h"

#include <balcony/result.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace balcony::app {

// Blocks the signals that Service waits for; before the first thread is made, as threads inherit
// it. Also ignores SIGPIPE.
void block_signals();

class Service final : public server::ProcessControl {
 public:
  using Configuration = std::shared_ptr<const server::Config>;
  using Reader = std::function<Result<Configuration>()>;

  // `reader` gives the configuration, at start and at every reload.
  explicit Service(Reader reader) : reader_(std::move(reader)) {}

  // Starts the server. Errors: those of the configuration and of Server::start().
  Result<> start();
  // Waits for signals until one ends the process; the server has stopped then.
  void run();

  server::Server& server() { return server_; }

  void reload(std::function<void(Result<>)> done) override;
  void stop() override;

 private:
  Result<> reload_now();
  void run_requests();

  const Reader reader_;
  std::optional<server::DataLock> lock_;
  server::Server server_;
  std::optional<server::ControlSocket> control_;
  std::unique_ptr<server::MetricsPage> metrics_;
  Gateways gateways_;  // ends before the server
  std::mutex mutex_;   // guards what follows
  std::vector<std::function<void(Result<>)>> reloads_;
};

// Puts [log] into force. Errors: kIo when the file cannot be opened.
Result<> set_up_log(const server::LogConfig& log);

}  // namespace balcony::app
