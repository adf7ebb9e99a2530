#include "gateway/mail/smtp_server.h"

#include "base/log.h"
#include "net/shard.h"

#include <set>

namespace balcony::gateway::mail {

// Held by the sessions and by the listener, which may still have one on its way.
struct SmtpServer::State {
  SmtpServerOptions options;
  SmtpReceiver::RecipientCheck check;
  MailHandler handler;
  std::set<Connection*> open;
  bool stopping = false;
};

namespace {

using std::chrono_literals::operator""ms;
using StatePtr = std::shared_ptr<SmtpServer::State>;

// One connection; it lives in the coroutine's frame.
class Session {
 public:
  Session(StatePtr state, ConnectionPtr connection)
      : state_(std::move(state)),
        connection_(std::move(connection)),
        machine_(state_->options.name, state_->options.limits, state_->check) {
    state_->open.insert(connection_.get());
  }
  ~Session() {
    state_->open.erase(connection_.get());
    if (connection_->is_open()) Connection::close_in_background(std::move(connection_));
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<> run() {
    connection_->write(machine_.greeting());
    connection_->set_deadline_in(state_->options.timeout);
    for (bool open = true; open;) {
      const auto ready = co_await connection_->readable();
      if (!ready) {
        if (ready.error().code == Errc::kTimeout) say_good_bye();
        co_return;
      }
      open = co_await read();
    }
  }

 private:
  // Reads what is there. False: the connection is over.
  Task<bool> read() {
    const auto bytes = connection_->read_some(connection_->shard().buffer());
    if (!bytes) co_return false;
    if (*bytes == 0) co_return true;
    const std::uint64_t before = machine_.progress();
    const std::string_view text(connection_->shard().buffer().data(), *bytes);
    SmtpActions actions = machine_.on_bytes(text);
    connection_->write(actions.write);
    while (actions.mail) {
      ReceivedMail mail = *std::move(actions.mail);
      connection_->clear_deadline();  // now it is our time that passes
      const std::vector<SmtpReply> verdicts = co_await state_->handler(std::move(mail));
      actions = machine_.on_verdicts(verdicts);
      connection_->write(actions.write);
    }
    if (machine_.progress() != before) connection_->set_deadline_in(state_->options.timeout);
    co_return !actions.close && connection_->is_open();
  }

  void say_good_bye() {
    connection_->clear_deadline();
    connection_->write(SmtpReceiver::goodbye("You are too slow"));
  }

  StatePtr state_;
  ConnectionPtr connection_;
  SmtpReceiver machine_;
};

Task<> serve(StatePtr state, ConnectionPtr connection) {
  Session session(std::move(state), std::move(connection));
  co_await session.run();
}

void take(const StatePtr& state, ConnectionPtr connection) {
  if (state->stopping) return;
  if (state->open.size() >= state->options.connections) {
    connection->write(SmtpReceiver::goodbye("Too many connections"));
    return Connection::close_in_background(std::move(connection));
  }
  spawn(serve(state, std::move(connection)));
}

}  // namespace

SmtpServer::SmtpServer(std::shared_ptr<State> state, std::unique_ptr<Listener> listener)
    : state_(std::move(state)), listener_(std::move(listener)) {}

SmtpServer::~SmtpServer() = default;

Result<std::unique_ptr<SmtpServer>> SmtpServer::listen(ShardSet& shards, SmtpServerOptions options,
                                                       SmtpReceiver::RecipientCheck check,
                                                       MailHandler handler) {
  auto state = std::make_shared<State>();
  state->options = std::move(options);
  state->check = std::move(check);
  state->handler = std::move(handler);
  ListenerOptions where;
  where.address = state->options.address;
  where.port = state->options.port;
  where.connection.stalled_after = state->options.timeout;
  BALCONY_ASSIGN(std::unique_ptr<Listener> listener,
                 Listener::listen(shards, std::move(where), [state](ConnectionPtr connection) {
                   take(state, std::move(connection));
                 }));
  log_info("listening", {{"kind", "mail"}, {"address", listener->address().to_string()}});
  return std::unique_ptr<SmtpServer>(new SmtpServer(std::move(state), std::move(listener)));
}

Task<> SmtpServer::stop() {
  state_->stopping = true;
  listener_.reset();
  const std::vector<Connection*> open(state_->open.begin(), state_->open.end());
  for (Connection* connection : open) connection->abort();
  Shard* const shard = Shard::current();
  while (!state_->open.empty()) {
    OneShot<bool> later;
    shard->after(100ms, [&later] { later.set(true); });
    co_await later;
  }
}

}  // namespace balcony::gateway::mail
