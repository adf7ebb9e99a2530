// One connection of a client with its stream: negotiation, then elements in and out.
//
// Held by shared pointers of the coroutine that reads and of Core. On the runtime's loop.
#pragma once

#include "client/runtime_impl.h"
#include "net/tls_context.h"
#include "session/tcp_transport.h"
#include "stream/initiating_stream.h"
#include "xml/parser.h"
#include "xml/splitter.h"

#include <balcony/element.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace balcony::client {

struct StreamOptions {
  explicit StreamOptions(stream::InitiatingOptions negotiation_)
      : negotiation(std::move(negotiation_)) {}

  stream::InitiatingOptions negotiation;
  std::shared_ptr<const TlsClientContext> tls;  // null: there is none to be
  std::string tls_name;                         // the domain as an A-label
  bool tls_verified = true;                     // the context refuses what is not valid
  std::chrono::milliseconds within{30'000};
};

class Stream {
 public:
  Stream(Runtime::Impl& runtime, ConnectionPtr connection, StreamOptions options);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Negotiates until a resource is bound. Once, and nobody else reads. On an error the stream is
  // over. Errors: as Client::connect().
  Task<Result<stream::Bound>> open();

  // Hands each element to `on_element` until the stream ends. Returns why it ended: kClosed also
  // after close().
  Task<Error> receive(std::move_only_function<void(xml::Element)> on_element);

  void write(xml::ElementView element);
  void write_raw(std::string_view bytes) { transport_->write(bytes); }

  // Closes our half (RFC 6120 §4.4); receive() returns when the server has closed its own, or after
  // `within`.
  void close(std::chrono::milliseconds within);
  // Makes open() or receive() return `why` soon.
  void abort(Error why);

  // The login token that was tried is good for nothing (XEP-0484 §4.1).
  bool token_refused() const noexcept { return machine_.token_refused(); }
  std::string peer() const { return transport_->peer(); }
  std::string tls_summary() const { return transport_->tls_summary(); }
  // Bytes that came so far; grows whenever the server says anything.
  std::uint64_t bytes_in() const noexcept { return bytes_in_; }

 private:
  Task<std::optional<Result<stream::Bound>>> perform(stream::InitiatingActions actions);
  Task<stream::InitiatingActions> upgrade_tls();
  stream::InitiatingActions on_event(const xml::SplitEvent& event);
  // Waits for bytes and feeds them to the splitter.
  Task<Result<>> fill();
  Error end_with(const Error& error);

  Runtime::Impl& runtime_;
  StreamOptions options_;
  std::unique_ptr<session::TcpTransport> transport_;
  stream::InitiatingStream machine_;
  xml::Limits limits_;
  xml::Splitter splitter_;
  xml::StreamHeader header_;
  std::string buffer_;  // what the splitter looks at
  std::optional<Error> aborted_;
  std::uint64_t bytes_in_ = 0;
  bool bound_ = false;
  bool end_sent_ = false;
};

}  // namespace balcony::client
