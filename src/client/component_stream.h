// One connection of a component with its stream (XEP-0114): handshake, then elements in and out.
//
// Held by shared pointers of the coroutine that reads and of ComponentCore. On the runtime's loop.
#pragma once

#include "client/wire.h"
#include "stream/component.h"

#include <balcony/element.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::client {

class ComponentStream {
 public:
  // `within`: for the handshake.
  ComponentStream(Runtime::Impl& runtime, ConnectionPtr connection, std::string domain,
                  std::string secret, stream::AskForAcknowledgements ask,
                  std::chrono::milliseconds within);

  // Once, and nobody else reads. On an error the stream is over. Errors: as Component::connect().
  Task<Result<>> open();
  // After open(): whether both ends count stanzas (XEP-0198).
  bool acknowledges() const noexcept { return acknowledges_; }
  // After a failure: whether the server was asked to, and may know nothing of it.
  bool was_asking() const noexcept { return machine_.was_asking(); }
  // Stanzas that came while it was asked; not counted.
  std::vector<xml::Element> take_early() { return machine_.take_early(); }

  // Hands each element to `on_element` until the stream ends. Returns why it ended: kClosed also
  // after close().
  Task<Error> receive(std::move_only_function<void(xml::Element)> on_element) {
    return wire_.receive(std::move(on_element));
  }

  void write(xml::ElementView element) { wire_.write(element); }
  // Nothing behind the end of our half.
  void write_raw(std::string_view bytes) {
    if (!wire_.has_ended()) wire_.write_bytes(bytes);
  }
  // White space between stanzas (RFC 6120 §4.6.1), when nothing was written since the last call.
  void keep_alive();

  // Closes our half (RFC 6120 §4.4); receive() returns when the server has closed its own, or after
  // `within`.
  void close(std::chrono::milliseconds within);

 private:
  std::optional<Result<>> perform(const stream::ComponentActions& actions);

  Wire wire_;
  stream::InitiatingComponent machine_;
  bool acknowledges_ = false;
  std::uint64_t seen_out_ = 0;  // when signs of life were last looked for
};

}  // namespace balcony::client
