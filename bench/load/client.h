// One client of the load: logs in with the project's own machines, then hands out what comes as
// bytes, so that the load generator costs less than the server it loads.
//
// On the shard that it was made on.
#pragma once

#include "net/connection.h"
#include "net/tls_context.h"
#include "stream/initiating_stream.h"
#include "xml/parser.h"
#include "xml/splitter.h"

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::bench {

// What all clients have in common.
struct LoginSettings {
  SocketAddress server;
  bool tls = false;
  bool plain = true;  // PLAIN; else the strongest SCRAM that is offered
  std::shared_ptr<const TlsClientContext> context;
  // Of the last SCRAM login: accounts with the same salt and password need no second PBKDF2 here.
  std::optional<sasl::ClientKeys> keys;
};

class Client {
 public:
  Client(Shard& shard, LoginSettings& settings, Jid account, std::string password);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects, negotiates, binds. Once.
  Task<Result<>> log_in();
  // Hands each stanza to `on_stanza` (which must not wait) until the stream ends; returns why.
  Task<Error> read(std::function<void(std::string_view)> on_stanza);
  // One stanza.
  void write(std::string_view stanza);
  // Acknowledges from now on, and asks for acknowledgements (XEP-0198 §3, §4).
  void manage();
  // Closes the stream and waits for the server to do the same.
  Task<> close();

  // The full JID that the server bound.
  const std::string& jid() const { return jid_; }

 private:
  // True once bound.
  Task<Result<bool>> perform(stream::InitiatingActions actions);
  stream::InitiatingActions on_event(const xml::SplitEvent& event);
  Task<stream::InitiatingActions> upgrade_tls();
  Task<Result<>> fill();

  Shard& shard_;
  LoginSettings& settings_;
  ConnectionPtr connection_;
  std::unique_ptr<stream::InitiatingStream> machine_;
  std::unique_ptr<xml::StreamHeader> header_;
  xml::Splitter splitter_;
  std::string carried_;  // what the splitter looks at while the login goes on
  bool manage_own(std::string_view stanza);

  std::string jid_;
  bool managed_ = false;
  std::uint32_t received_ = 0;
  std::uint32_t sent_ = 0;
};

}  // namespace balcony::bench
