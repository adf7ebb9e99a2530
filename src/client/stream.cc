#include "client/stream.h"

#include "stanza/ns.h"
#include "stream/server_says.h"
#include "xml/writer.h"

#include <utility>

namespace balcony::client {
namespace {

// Before the server has proved who it is, and after: rosters and archives come in one stanza.
xml::Limits strangers_limits() {
  xml::Limits limits;
  limits.stanza_bytes_max = 64u << 10;
  return limits;
}

xml::Limits limits_when_bound() {
  xml::Limits limits;
  limits.stanza_bytes_max = 16u << 20;
  limits.nodes_max = 1u << 20;
  return limits;
}

}  // namespace

Stream::Stream(Runtime::Impl& runtime, ConnectionPtr connection, StreamOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      transport_(std::make_unique<session::TcpTransport>(std::move(connection))),
      machine_(system_random(), options_.negotiation),
      limits_(strangers_limits()),
      splitter_(limits_) {
  ++runtime_.streams;
  transport_->set_deadline_in(options_.within);
}

Stream::~Stream() {
  --runtime_.streams;
  session::Transport::close_in_background(std::move(transport_));
}

Task<Result<stream::Bound>> Stream::open() {
  stream::InitiatingActions actions;
  if (options_.negotiation.tls == stream::TlsPolicy::kDirect) {
    actions = co_await upgrade_tls();
  } else {
    actions = machine_.on_start();
  }
  while (true) {
    auto outcome = co_await perform(std::move(actions));
    if (outcome) co_return *std::move(outcome);
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

stream::InitiatingActions Stream::on_event(const xml::SplitEvent& event) {
  switch (event.kind) {
    case xml::SplitKind::kStreamHeader: {
      auto header = xml::parse_stream_header(event.bytes, limits_);
      if (!header) return machine_.on_error(header.error());
      header_ = *std::move(header);
      return machine_.on_header(header_);
    }
    case xml::SplitKind::kStanza: {
      auto element = xml::parse(event.bytes, xml::scope_of(header_), limits_);
      if (!element) return machine_.on_error(element.error());
      return machine_.on_element(*std::move(element));
    }
    case xml::SplitKind::kStreamEnd: return machine_.on_stream_end();
    default: return {};
  }
}

Task<std::optional<Result<stream::Bound>>> Stream::perform(stream::InitiatingActions actions) {
  std::optional<Result<stream::Bound>> outcome;
  while (!actions.empty()) {
    stream::InitiatingActions more;
    for (stream::InitiatingAction& action : actions) {
      if (auto* send = std::get_if<stream::Send>(&action)) {
        transport_->write(send->bytes);
      } else if (std::holds_alternative<stream::UpgradeTls>(action)) {
        more = co_await upgrade_tls();
      } else if (std::holds_alternative<stream::RestartStream>(action)) {
        splitter_.reset();
        header_ = {};
      } else if (auto* bound = std::get_if<stream::Bound>(&action)) {
        bound_ = true;
        limits_ = limits_when_bound();
        splitter_.set_limits(limits_);
        transport_->clear_deadline();
        outcome.emplace(std::move(*bound));
      } else if (auto* failed = std::get_if<stream::Failed>(&action)) {
        outcome.emplace(fail(std::move(failed->error)));
      }
    }
    actions = std::move(more);
  }
  co_return outcome;
}

Task<stream::InitiatingActions> Stream::upgrade_tls() {
  // RFC 6120 §5.4.3.3: bytes behind <proceed/> would be somebody else's.
  std::string leftover(splitter_.rest());
  auto done =
      co_await transport_->start_tls_client(*options_.tls, options_.tls_name, std::move(leftover));
  if (!done) co_return machine_.on_error(aborted_ ? *aborted_ : done.error());
  co_return machine_.on_tls(transport_->channel_bindings(), options_.tls_verified);
}

Task<Result<>> Stream::fill() {
  while (true) {
    auto ready = co_await transport_->readable();
    if (!ready) co_return fail(aborted_ ? *aborted_ : ready.error());
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

Task<Error> Stream::receive(std::move_only_function<void(xml::Element)> on_element) {
  while (true) {
    auto event = splitter_.next();
    if (!event) co_return end_with(event.error());
    if (event->kind == xml::SplitKind::kNeedMore) {
      if (auto more = co_await fill(); !more) co_return more.error();
    } else if (event->kind == xml::SplitKind::kStreamEnd) {
      // RFC 6120 §4.4: the answer to a closed stream is closing ours.
      if (!std::exchange(end_sent_, true)) transport_->write(stream::kStreamEndTag);
      co_return Error(Errc::kClosed, "the stream was closed");
    } else if (event->kind == xml::SplitKind::kStanza) {
      auto element = xml::parse(event->bytes, xml::scope_of(header_), limits_);
      if (!element) co_return end_with(element.error());
      if (const auto error = read_stream_error(*element)) {
        if (!std::exchange(end_sent_, true)) transport_->write(stream::kStreamEndTag);
        co_return stream::to_error(*error);
      }
      on_element(*std::move(element));
    }
  }
}

Error Stream::end_with(const Error& error) {
  if (!std::exchange(end_sent_, true)) {
    write(write_stream_error(to_stream_error(error)));
    transport_->write(stream::kStreamEndTag);
  }
  return Error(error.code, "the server's XML: " + error.detail);
}

void Stream::write(xml::ElementView element) {
  std::string text;
  xml::write(text, element);
  transport_->write(text);
}

void Stream::close(std::chrono::milliseconds within) {
  if (std::exchange(end_sent_, true)) return;
  if (!bound_) return abort(Error(Errc::kCancelled, "the client gave up"));
  transport_->write(stream::kStreamEndTag);
  aborted_.emplace(Errc::kClosed, "the server did not close its stream in time");
  transport_->set_deadline_in(within);
}

void Stream::abort(Error why) {
  if (!aborted_) aborted_ = std::move(why);
  transport_->set_deadline_in(std::chrono::milliseconds(0));
}

}  // namespace balcony::client
