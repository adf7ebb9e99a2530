#include "client/wire.h"

#include "stanza/stream_error.h"
#include "stream/actions.h"
#include "stream/server_says.h"

namespace balcony::client {

Wire::Wire(Runtime::Impl& runtime, ConnectionPtr connection, const xml::Limits& limits,
           const xml::WriteOptions& scope, std::chrono::milliseconds within)
    : runtime_(runtime),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      scope_(scope),
      limits_(limits),
      splitter_(limits_) {
  ++runtime_.streams;
  transport_->set_deadline_in(within);
}

Wire::~Wire() {
  --runtime_.streams;
  session::Transport::close_in_background(std::move(transport_));
}

Task<Result<>> Wire::fill() {
  while (true) {
    auto ready = co_await transport_->readable();
    if (!ready) co_return fail(gave_up_ ? *gave_up_ : ready.error());
    auto bytes = transport_->read();
    if (!bytes) co_return fail(bytes.error());
    if (bytes->empty()) continue;
    // A copy, because the loop's buffer is everybody's and a handler may run other coroutines.
    buffer_.assign(*bytes);
    bytes_in_ += buffer_.size();
    splitter_.feed(buffer_);
    co_return Result<>{};
  }
}

void Wire::restart() {
  splitter_.reset();
  header_ = {};
}

void Wire::accept(const xml::Limits& limits) {
  limits_ = limits;
  splitter_.set_limits(limits_);
  transport_->clear_deadline();
}

Task<Error> Wire::receive(std::move_only_function<void(xml::Element)> on_element) {
  while (true) {
    auto event = splitter_.next();
    if (!event) co_return end_with(event.error());
    if (event->kind == xml::SplitKind::kNeedMore) {
      if (auto more = co_await fill(); !more) co_return more.error();
    } else if (event->kind == xml::SplitKind::kStreamEnd) {
      end();  // RFC 6120 §4.4: the answer to a closed stream is closing ours.
      co_return Error(Errc::kClosed, "the stream was closed");
    } else if (event->kind == xml::SplitKind::kStanza) {
      auto element = xml::parse(event->bytes, xml::scope_of(header_), limits_);
      if (!element) co_return end_with(element.error());
      if (const auto error = read_stream_error(*element)) {
        end();
        co_return stream::to_error(*error);
      }
      on_element(*std::move(element));
    }
  }
}

Error Wire::end_with(const Error& error) {
  if (!end_sent_) write(write_stream_error(to_stream_error(error)));
  end();
  return Error(error.code, "the server's XML: " + error.detail);
}

void Wire::write(xml::ElementView element) {
  std::string text;
  xml::write(text, element, scope_);
  write_bytes(text);
}

void Wire::write_bytes(std::string_view bytes) {
  bytes_out_ += bytes.size();
  transport_->write(bytes);
}

bool Wire::end() {
  if (std::exchange(end_sent_, true)) return false;
  write_bytes(stream::kStreamEndTag);
  return true;
}

void Wire::give_up(Error why, std::chrono::milliseconds delay) {
  if (!gave_up_) gave_up_ = std::move(why);
  transport_->set_deadline_in(delay);
}

}  // namespace balcony::client
