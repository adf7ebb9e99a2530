#include "server/control_socket.h"

#include "base/log.h"
#include "sasl/crypto.h"

namespace balcony::server {
namespace {

constexpr std::size_t kLineBytesMax = 4u << 20;
constexpr std::size_t kConnectionsMax = 16;
// Rows wait while more than this is unsent.
constexpr std::size_t kUnsentMax = 256u << 10;

// What all connections share; lives as long as one of them.
struct Shared {
  Server& server;
  ProcessControl& process;
  const ModuleList& modules;
  std::size_t connections = 0;  // shard 0 only
};

class ControlSession {
 public:
  ControlSession(std::shared_ptr<Shared> shared, ConnectionPtr connection)
      : shared_(std::move(shared)), connection_(std::move(connection)) {
    ++shared_->connections;
  }
  ~ControlSession() { --shared_->connections; }
  ControlSession(const ControlSession&) = delete;
  ControlSession& operator=(const ControlSession&) = delete;

  static Task<> run(std::unique_ptr<ControlSession> self) {
    while (co_await self->read_line()) {
      const std::size_t end = self->read_.find('\n');
      std::string line = self->read_.substr(0, end);
      self->read_.erase(0, end + 1);
      co_await self->answer(std::move(line));
    }
    co_await self->connection_->close();
  }

 private:
  // Whether a whole line has come.
  Task<bool> read_line() {
    while (read_.find('\n') == std::string::npos) {
      if (read_.size() > kLineBytesMax) {
        write_error(Error(Errc::kUsage, "a request has at most 4 MiB"));
        co_return false;
      }
      if (!co_await connection_->readable()) co_return false;
      const auto buffer = connection_->shard().buffer();
      const auto size = connection_->read_some(buffer);
      if (!size) co_return false;
      read_.append(buffer.data(), *size);
    }
    co_return true;
  }

  Task<> answer(std::string line) {
    auto request = parse_json(line);
    sasl::wipe(line);  // may hold a password
    if (!request) {
      write_error(request.error());
      co_return;
    }
    CommandContext context = make_context();
    const std::string name = request->text_of("command");
    const Value* found = request->find("args");
    // Named, not made inside the co_await expression: g++ 12 destroys such a choice twice.
    Value args;
    if (found) args = *found;
    const CommandSpec* spec = find_command(name);
    if (spec && spec->role == Role::kOperator) log_info("command", {{"name", name}});
    const auto result = co_await run_command(context, name, std::move(args));
    if (!result) {
      write_error(result.error());
      co_return;
    }
    Value reply;
    reply.set("ok", true);
    reply.set("result", *result);
    write(reply);
  }

  CommandContext make_context() {
    CommandContext context;
    context.at = shared_->server.shared().contexts[connection_->shard().index()].get();
    context.server = &shared_->server;
    context.process = &shared_->process;
    context.config = context.at->config;
    context.modules = &shared_->modules;
    context.row = [this](Value row) { return write_row(std::move(row)); };
    context.progress = [this](Value progress) {
      Value line;
      line.set("progress", std::move(progress));
      write(line);
    };
    return context;
  }

  Task<> write_row(Value row) {
    Value line;
    line.set("row", std::move(row));
    write(line);
    // Who has gone is found out when the next request is read.
    (void)co_await connection_->drained(kUnsentMax);
  }

  void write_error(const Error& error) {
    Value text;
    text.set("code", to_string(error.code));
    text.set("text", error.detail.empty() ? error.to_string() : error.detail);
    Value reply;
    reply.set("ok", false);
    reply.set("error", std::move(text));
    write(reply);
  }

  void write(const Value& value) { connection_->write(to_json(value) + '\n'); }

  std::shared_ptr<Shared> shared_;
  ConnectionPtr connection_;
  std::string read_;
};

}  // namespace

Result<ControlSocket> ControlSocket::open(Server& server, ProcessControl& process,
                                          const ModuleList& modules) {
  auto shared = std::make_shared<Shared>(server, process, modules);
  std::string path = server.config()->control_path();
  BALCONY_ASSIGN(
      auto listener,
      UnixListener::listen(server.shared().shards->at(0), path, server.config()->control_group,
                           [shared](ConnectionPtr connection) {
                             if (shared->connections >= kConnectionsMax) return;
                             spawn(ControlSession::run(
                                 std::make_unique<ControlSession>(shared, std::move(connection))));
                           }));
  log_info("control socket", {{"path", path}});
  return ControlSocket(std::move(listener), std::move(path));
}

}  // namespace balcony::server
