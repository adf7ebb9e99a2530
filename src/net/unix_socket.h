// Unix sockets: a listener on a shard, and a client that blocks.
//
// The server's control socket and its command line use them. Streams over them are ordinary
// Connections; peer() is 0.0.0.0:0.
#pragma once

#include "net/connection.h"
#include "net/file_descriptor.h"
#include "net/shard.h"

#include <balcony/result.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace balcony {

class UnixListener {
 public:
  // Called on the shard with each new connection.
  using OnConnection = std::function<void(ConnectionPtr connection)>;

  // Listens at `path`, a file that only this user may open (mode 600), or also the members of
  // `group` (mode 660) where it is not empty; a socket that lies there is replaced: the caller
  // knows that nobody uses it. From any thread; `shard` has to outlive the listener. Errors: kIo
  // with the path and the reason; kNotFound: there is no such group.
  static Result<std::unique_ptr<UnixListener>> listen(Shard& shard, const std::string& path,
                                                      const std::string& group,
                                                      OnConnection on_connection);
  // Stops listening and removes the file; connections go on. Any thread that is no shard.
  ~UnixListener();

 private:
  class Acceptor;
  UnixListener(std::shared_ptr<Acceptor> acceptor, std::string path);

  std::shared_ptr<Acceptor> acceptor_;
  std::string path_;
};

// Lines to and from a server, blocking. One thread.
class UnixClient {
 public:
  // Errors: kConnect with the path and the reason.
  static Result<UnixClient> connect(const std::string& path);

  // Sends the line and a line feed. Errors: kClosed.
  Result<> send_line(std::string_view line);
  // The next line without its line feed; waits for it. Errors: kClosed.
  Result<std::string> read_line();

 private:
  explicit UnixClient(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  std::string read_;  // and not given out yet
};

}  // namespace balcony
