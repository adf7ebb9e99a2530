#include "client/stream.h"

#include "base/random.h"

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
    : options_(std::move(options)),
      wire_(runtime, std::move(connection), strangers_limits(), {}, options_.within),
      machine_(system_random(), options_.negotiation) {}

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
    auto next = wire_.next_for(machine_);
    actions = next ? *std::move(next) : stream::InitiatingActions();
    if (next) continue;
    if (auto more = co_await wire_.fill(); !more) actions = machine_.on_error(more.error());
  }
}

Task<std::optional<Result<stream::Bound>>> Stream::perform(stream::InitiatingActions actions) {
  std::optional<Result<stream::Bound>> outcome;
  while (!actions.empty()) {
    stream::InitiatingActions more;
    for (stream::InitiatingAction& action : actions) {
      if (auto* send = std::get_if<stream::Send>(&action)) {
        wire_.write_bytes(send->bytes);
      } else if (std::holds_alternative<stream::UpgradeTls>(action)) {
        more = co_await upgrade_tls();
      } else if (std::holds_alternative<stream::RestartStream>(action)) {
        wire_.restart();
      } else if (auto* bound = std::get_if<stream::Bound>(&action)) {
        bound_ = true;
        wire_.accept(limits_when_bound());
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
  std::string leftover(wire_.rest());
  session::TcpTransport& transport = wire_.transport();
  auto done =
      co_await transport.start_tls_client(*options_.tls, options_.tls_name, std::move(leftover));
  if (!done) co_return machine_.on_error(wire_.gave_up() ? *wire_.gave_up() : done.error());
  co_return machine_.on_tls(transport.channel_bindings(), options_.tls_verified);
}

void Stream::close(std::chrono::milliseconds within) {
  if (wire_.has_ended()) return;
  if (!bound_) {
    return wire_.give_up(Error(Errc::kCancelled, "the client gave up"), std::chrono::seconds(0));
  }
  wire_.end();
  wire_.give_up(Error(Errc::kClosed, "the server did not close its stream in time"), within);
}

void Stream::abort(Error why) {
  wire_.give_up(std::move(why), std::chrono::milliseconds(0));
}

}  // namespace balcony::client
