#include "client/component_stream.h"

#include "stanza/ns.h"
#include "stream/server_says.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::client {
namespace {

// The server is ours to trust, once it is one.
xml::Limits component_limits() {
  xml::Limits limits;
  limits.stanza_bytes_max = 16u << 20;
  limits.nodes_max = 1u << 20;
  return limits;
}

xml::WriteOptions as_component() {
  xml::WriteOptions options;
  options.scope_ns = options.content_ns = ns::kComponent;
  return options;
}

}  // namespace

ComponentStream::ComponentStream(Runtime::Impl& runtime, ConnectionPtr connection,
                                 std::string domain, std::string secret,
                                 std::chrono::milliseconds within)
    : runtime_(runtime),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      machine_(std::move(domain), std::move(secret)),
      limits_(component_limits()),
      splitter_(limits_) {
  ++runtime_.streams;
  transport_->set_deadline_in(within);
}

ComponentStream::~ComponentStream() {
  --runtime_.streams;
  session::Transport::close_in_background(std::move(transport_));
}

Task<Result<>> ComponentStream::open() {
  stream::ComponentActions actions = machine_.on_start();
  while (true) {
    if (auto outcome = perform(actions)) co_return *std::move(outcome);
    actions.clear();
    auto event = splitter_.next();
    if (!event) {
      actions = machine_.on_error(event.error());
    } else if (event->kind != xml::SplitKind::kNeedMore) {
      actions = on_event(*event);
    } else if (auto more = co_await fill(); !more) {
      actions = machine_.on_error(more.error());
    }
  }
}

stream::ComponentActions ComponentStream::on_event(const xml::SplitEvent& event) {
  switch (event.kind) {
    case xml::SplitKind::kStreamHeader: {
      auto header = xml::parse_stream_header(event.bytes, limits_);
      if (!header) return machine_.on_error(header.error());
      header_ = *std::move(header);
      return machine_.on_header(header_);
    }
    case xml::SplitKind::kStanza: {
      const auto element = xml::parse(event.bytes, xml::scope_of(header_), limits_);
      if (!element) return machine_.on_error(element.error());
      return machine_.on_element(*element);
    }
    case xml::SplitKind::kStreamEnd: return machine_.on_stream_end();
    default: return {};
  }
}

std::optional<Result<>> ComponentStream::perform(const stream::ComponentActions& actions) {
  for (const stream::ComponentAction& action : actions) {
    if (const auto* send = std::get_if<stream::Send>(&action)) write_text(send->bytes);
    if (const auto* failed = std::get_if<stream::ComponentFailed>(&action)) {
      return Result<>(fail(failed->error));
    }
    if (std::holds_alternative<stream::ComponentAccepted>(action)) {
      transport_->clear_deadline();
      return Result<>{};
    }
  }
  return std::nullopt;
}

Task<Result<>> ComponentStream::fill() {
  while (true) {
    auto ready = co_await transport_->readable();
    if (!ready) co_return fail(aborted_ ? *aborted_ : ready.error());
    auto bytes = transport_->read();
    if (!bytes) co_return fail(bytes.error());
    if (bytes->empty()) continue;
    // A copy, because the loop's buffer is everybody's and a handler may run other coroutines.
    buffer_.assign(*bytes);
    splitter_.feed(buffer_);
    co_return Result<>{};
  }
}

Task<Error> ComponentStream::receive(std::move_only_function<void(xml::Element)> on_element) {
  while (true) {
    auto event = splitter_.next();
    if (!event) co_return end_with(event.error());
    if (event->kind == xml::SplitKind::kNeedMore) {
      if (auto more = co_await fill(); !more) co_return more.error();
    } else if (event->kind == xml::SplitKind::kStreamEnd) {
      // RFC 6120 §4.4: the answer to a closed stream is closing ours.
      if (!std::exchange(end_sent_, true)) write_text(stream::kStreamEndTag);
      co_return Error(Errc::kClosed, "the stream was closed");
    } else if (event->kind == xml::SplitKind::kStanza) {
      auto element = xml::parse(event->bytes, xml::scope_of(header_), limits_);
      if (!element) co_return end_with(element.error());
      if (const auto error = read_stream_error(*element)) {
        if (!std::exchange(end_sent_, true)) write_text(stream::kStreamEndTag);
        co_return stream::to_error(*error);
      }
      on_element(*std::move(element));
    }
  }
}

Error ComponentStream::end_with(const Error& error) {
  if (!std::exchange(end_sent_, true)) {
    write(write_stream_error(to_stream_error(error)));
    write_text(stream::kStreamEndTag);
  }
  return Error(error.code, "the server's XML: " + error.detail);
}

void ComponentStream::write(xml::ElementView element) {
  std::string text;
  xml::write(text, element, as_component());
  write_text(text);
}

void ComponentStream::write_text(std::string_view text) {
  wrote_ = true;
  transport_->write(text);
}

void ComponentStream::keep_alive() {
  if (!std::exchange(wrote_, false) && !end_sent_) transport_->write(" ");
}

void ComponentStream::close(std::chrono::milliseconds within) {
  const bool accepted = machine_.state() == stream::InitiatingComponent::State::kAccepted;
  if (!std::exchange(end_sent_, true)) write_text(stream::kStreamEndTag);
  aborted_.emplace(accepted ? Errc::kClosed : Errc::kCancelled, "the component ends its stream");
  transport_->set_deadline_in(accepted ? within : std::chrono::milliseconds(0));
}

}  // namespace balcony::client
