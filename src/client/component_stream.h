// One connection of a component with its stream (XEP-0114): handshake, then elements in and out.
//
// Held by shared pointers of the coroutine that reads and of ComponentCore. On the runtime's loop.
#pragma once

#include "client/runtime_impl.h"
#include "session/tcp_transport.h"
#include "stream/component.h"
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

class ComponentStream {
 public:
  // `within`: for the handshake.
  ComponentStream(Runtime::Impl& runtime, ConnectionPtr connection, std::string domain,
                  std::string secret, std::chrono::milliseconds within);
  ~ComponentStream();
  ComponentStream(const ComponentStream&) = delete;
  ComponentStream& operator=(const ComponentStream&) = delete;

  // Once, and nobody else reads. On an error the stream is over. Errors: as Component::connect().
  Task<Result<>> open();

  // Hands each element to `on_element` until the stream ends. Returns why it ended: kClosed also
  // after close().
  Task<Error> receive(std::move_only_function<void(xml::Element)> on_element);

  void write(xml::ElementView element);
  // White space between stanzas (RFC 6120 §4.6.1), when nothing was written since the last call.
  void keep_alive();

  // Closes our half (RFC 6120 §4.4); receive() returns when the server has closed its own, or after
  // `within`.
  void close(std::chrono::milliseconds within);

 private:
  std::optional<Result<>> perform(const stream::ComponentActions& actions);
  stream::ComponentActions on_event(const xml::SplitEvent& event);
  // Waits for bytes and feeds them to the splitter.
  Task<Result<>> fill();
  void write_text(std::string_view text);
  Error end_with(const Error& error);

  Runtime::Impl& runtime_;
  std::unique_ptr<session::TcpTransport> transport_;
  stream::InitiatingComponent machine_;
  xml::Limits limits_;
  xml::Splitter splitter_;
  xml::StreamHeader header_;
  std::string buffer_;  // what the splitter looks at
  std::optional<Error> aborted_;
  bool wrote_ = false;
  bool end_sent_ = false;
};

}  // namespace balcony::client
