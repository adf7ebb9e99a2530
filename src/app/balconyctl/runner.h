// Who runs a command for balconyctl: the server over its control socket, or this process on the
// database while no server runs.
#pragma once

#include "app/balconyctl/output.h"
#include "net/unix_socket.h"
#include "server/commands.h"
#include "server/data_lock.h"

#include <balcony/result.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace balcony::app {

class Runner {
 public:
  using OnProgress = std::function<void(const server::Value& progress)>;

  virtual ~Runner() = default;
  // Runs one command; rows go to `output`. Errors: the command's; kClosed when the server goes.
  virtual Result<server::Value> run(const server::CommandSpec& spec, const server::Value& args,
                                    Output& output, const OnProgress& progress) = 0;
};

// Errors: kConnect.
Result<std::unique_ptr<Runner>> connect_to_server(const std::string& control_path);

// Works on the configuration and, for commands that need accounts, on the database. Errors:
// kConnect when a server must run, or another process has the data; storage errors.
Result<std::unique_ptr<Runner>> run_here(const server::CommandSpec& spec,
                                         std::shared_ptr<const server::Config> config);

}  // namespace balcony::app
