// What the streams of this library stand on, a client's and a component's: a connection, what came
// and was not looked at yet, elements in and out.
//
// Member of Stream and ComponentStream. On the runtime's loop.
#pragma once

#include "client/runtime_impl.h"
#include "session/tcp_transport.h"
#include "xml/parser.h"
#include "xml/splitter.h"
#include "xml/writer.h"

#include <balcony/element.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::client {

// How long a server has to close its half of the stream (RFC 6120 §4.4) when we leave.
inline constexpr std::chrono::seconds kGoodbyeTime{5};

class Wire {
 public:
  // `within`: for the negotiation.
  Wire(Runtime::Impl& runtime, ConnectionPtr connection, const xml::Limits& limits,
       const xml::WriteOptions& scope, std::chrono::milliseconds within);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  session::TcpTransport& transport() { return *transport_; }
  const session::TcpTransport& transport() const { return *transport_; }

  // ---- while the stream is negotiated

  // What the machine of the negotiation says to the next thing that came; nullopt: nothing came,
  // and fill() waits for it.
  template <class Machine>
  auto next_for(Machine& machine) -> std::optional<decltype(machine.on_stream_end())> {
    const auto event = splitter_.next();
    if (!event) return machine.on_error(event.error());
    switch (event->kind) {
      case xml::SplitKind::kNeedMore: return std::nullopt;
      case xml::SplitKind::kStreamHeader: {
        auto header = xml::parse_stream_header(event->bytes, limits_);
        if (!header) return machine.on_error(header.error());
        header_ = *std::move(header);
        return machine.on_header(header_);
      }
      case xml::SplitKind::kStanza: {
        auto element = xml::parse(event->bytes, xml::scope_of(header_), limits_);
        if (!element) return machine.on_error(element.error());
        return machine.on_element(*std::move(element));
      }
      case xml::SplitKind::kStreamEnd: return machine.on_stream_end();
      default: return decltype(machine.on_stream_end()){};
    }
  }
  // Waits for bytes.
  Task<Result<>> fill();
  // What came behind the last thing that was looked at.
  std::string_view rest() const { return splitter_.rest(); }
  // RFC 6120 §4.3.3: a stream begins anew.
  void restart();
  // The negotiation is over.
  void accept(const xml::Limits& limits);

  // ---- afterwards

  // Hands each element to `on_element` until the stream ends. Returns why it ended: kClosed also
  // after give_up().
  Task<Error> receive(std::move_only_function<void(xml::Element)> on_element);

  void write(xml::ElementView element);
  void write_bytes(std::string_view bytes);

  // Ends our half, once (RFC 6120 §4.4). False: it was ended before.
  bool end();
  bool has_ended() const noexcept { return end_sent_; }
  // Whoever waits for bytes gets `why` (the first that was said) after `delay`.
  void give_up(Error why, std::chrono::milliseconds delay);
  // What give_up() said; else null.
  const Error* gave_up() const noexcept { return gave_up_ ? &*gave_up_ : nullptr; }

  // They grow whenever the server, or we, say anything.
  std::uint64_t bytes_in() const noexcept { return bytes_in_; }
  std::uint64_t bytes_out() const noexcept { return bytes_out_; }

 private:
  Error end_with(const Error& error);

  Runtime::Impl& runtime_;
  std::unique_ptr<session::TcpTransport> transport_;
  const xml::WriteOptions scope_;
  xml::Limits limits_;
  xml::Splitter splitter_;
  xml::StreamHeader header_;
  std::string buffer_;  // what the splitter looks at
  std::optional<Error> gave_up_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  bool end_sent_ = false;
};

}  // namespace balcony::client
