#include "client/component_stream.h"

#include "stanza/ns.h"

#include <utility>

namespace balcony::client {
namespace {

// How long a server may think about <enable/>: one that does not know it may say nothing.
constexpr std::chrono::seconds kAnswerWithin{5};

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
                                 stream::AskForAcknowledgements ask,
                                 std::chrono::milliseconds within)
    : wire_(runtime, std::move(connection), component_limits(), as_component(), within),
      machine_(std::move(domain), std::move(secret), ask) {}

Task<Result<>> ComponentStream::open() {
  stream::ComponentActions actions = machine_.on_start();
  while (true) {
    if (auto outcome = perform(actions)) co_return *std::move(outcome);
    auto next = wire_.next_for(machine_);
    actions = next ? *std::move(next) : stream::ComponentActions();
    if (next) continue;
    if (auto more = co_await wire_.fill(); !more) actions = machine_.on_error(more.error());
  }
}

std::optional<Result<>> ComponentStream::perform(const stream::ComponentActions& actions) {
  using State = stream::InitiatingComponent::State;
  if (machine_.state() == State::kAsking && !actions.empty()) {
    wire_.transport().set_deadline_in(kAnswerWithin);
  }
  for (const stream::ComponentAction& action : actions) {
    if (const auto* send = std::get_if<stream::Send>(&action)) wire_.write_bytes(send->bytes);
    if (const auto* failed = std::get_if<stream::ComponentFailed>(&action)) {
      return Result<>(fail(failed->error));
    }
    if (const auto* accepted = std::get_if<stream::ComponentAccepted>(&action)) {
      acknowledges_ = accepted->acknowledges;
      wire_.accept(component_limits());
      return Result<>{};
    }
  }
  return std::nullopt;
}

void ComponentStream::keep_alive() {
  const std::uint64_t out = wire_.bytes_out();
  if (out == seen_out_ && !wire_.has_ended()) wire_.write_bytes(" ");
  seen_out_ = wire_.bytes_out();
}

void ComponentStream::close(std::chrono::milliseconds within) {
  const bool accepted = machine_.state() == stream::InitiatingComponent::State::kAccepted;
  wire_.end();
  wire_.give_up(Error(accepted ? Errc::kClosed : Errc::kCancelled, "the component ends its stream"),
                accepted ? within : std::chrono::milliseconds(0));
}

}  // namespace balcony::client
