// The gateway's port for mail: connections, each with its SmtpReceiver, bounded in number, time and
// bytes.
//
// On the loop of the shards that it is given (one shard); stop() before it is destroyed.
#pragma once

#include "gateway/mail/smtp_receiver.h"
#include "net/listener.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace balcony::gateway::mail {

struct SmtpServerOptions {
  std::string name;     // as it calls itself
  std::string address;  // literal
  std::uint16_t port = 0;
  SmtpLimits limits;
  std::size_t connections = 20;
  // For a command, and for a whole mail; not extended by bytes that trickle.
  std::chrono::milliseconds timeout = std::chrono::minutes(5);
};

// One verdict for each recipient, in their order.
using MailHandler = std::function<Task<std::vector<SmtpReply>>(ReceivedMail mail)>;

class SmtpServer {
 public:
  // Errors: kIo: the address cannot be had.
  static Result<std::unique_ptr<SmtpServer>> listen(ShardSet& shards, SmtpServerOptions options,
                                                    SmtpReceiver::RecipientCheck check,
                                                    MailHandler handler);
  ~SmtpServer();

  // "127.0.0.1:2525", with the port that is bound.
  std::string address() const { return listener_->address().to_string(); }

  // Cuts connections off and waits for the handlers that are under way.
  Task<> stop();

  struct State;

 private:
  SmtpServer(std::shared_ptr<State> state, std::unique_ptr<Listener> listener);

  std::shared_ptr<State> state_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace balcony::gateway::mail
