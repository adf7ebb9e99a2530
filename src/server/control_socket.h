// The control socket: balconyctl's way into a running server.
//
// A Unix socket that only the server's user may open. One JSON object a line:
//
//   {"command": "user add", "args": {"jid": "juliet@example.org", "password": "…"}}
//
// is answered by any number of {"row": {…}} and {"progress": {"done": 20, "of": 100}}, and then by
// {"ok": true, "result": …} or {"ok": false, "error": {"code": "conflict", "text": "…"}}. Commands
// of a connection run one after the other, on shard 0. A line has at most 4 MiB; at most 16
// connections are open.
#pragma once

#include "net/unix_socket.h"
#include "server/commands.h"

#include <balcony/result.h>

#include <memory>
#include <string>

namespace balcony::server {

class ControlSocket {
 public:
  // Listens at server.config()->control_path(). All three must outlive the server's shards.
  // Errors: kIo.
  static Result<ControlSocket> open(Server& server, ProcessControl& process,
                                    const ModuleList& modules);

  // Any thread.
  const std::string& path() const { return path_; }

 private:
  ControlSocket(std::unique_ptr<UnixListener> listener, std::string path)
      : listener_(std::move(listener)), path_(std::move(path)) {}

  std::unique_ptr<UnixListener> listener_;
  std::string path_;
};

}  // namespace balcony::server
