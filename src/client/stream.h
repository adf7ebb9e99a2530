// One connection of a client with its stream: negotiation, then elements in and out.
//
// Held by shared pointers of the coroutine that reads and of Core. On the runtime's loop.
#pragma once

#include "client/wire.h"
#include "net/tls_context.h"
#include "stream/initiating_stream.h"

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

  // Negotiates until a resource is bound. Once, and nobody else reads. On an error the stream is
  // over. Errors: as Client::connect().
  Task<Result<stream::Bound>> open();

  // Hands each element to `on_element` until the stream ends. Returns why it ended: kClosed also
  // after close().
  Task<Error> receive(std::move_only_function<void(xml::Element)> on_element) {
    return wire_.receive(std::move(on_element));
  }

  void write(xml::ElementView element) { wire_.write(element); }
  void write_raw(std::string_view bytes) { wire_.write_bytes(bytes); }

  // Closes our half (RFC 6120 §4.4); receive() returns when the server has closed its own, or after
  // `within`.
  void close(std::chrono::milliseconds within);
  // Makes open() or receive() return `why` soon.
  void abort(Error why);

  // The login token that was tried is good for nothing (XEP-0484 §4.1).
  bool token_refused() const noexcept { return machine_.token_refused(); }
  std::string peer() const { return wire_.transport().peer(); }
  std::string tls_summary() const { return wire_.transport().tls_summary(); }
  // Bytes that came so far; grows whenever the server says anything.
  std::uint64_t bytes_in() const noexcept { return wire_.bytes_in(); }

 private:
  Task<std::optional<Result<stream::Bound>>> perform(stream::InitiatingActions actions);
  Task<stream::InitiatingActions> upgrade_tls();

  StreamOptions options_;
  Wire wire_;
  stream::InitiatingStream machine_;
  bool bound_ = false;
};

}  // namespace balcony::client
