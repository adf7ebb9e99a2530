// How a component gets in (XEP-0114 §3): what the negotiation asks for is done here.
#include "server/component_session.h"

#include "base/log.h"
#include "sasl/crypto.h"
#include "server/hop.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::server {
namespace {

const ComponentConfig* find_component(const Config& config, std::string_view domain) {
  const auto found = std::ranges::find(config.components, domain, &ComponentConfig::domain);
  return found == config.components.end() ? nullptr : &*found;
}

std::string digest_of(std::string_view secret) {
  return sasl::digest(sasl::ScramHash::kSha256, secret);
}

}  // namespace

const ComponentConfig* ComponentSession::component() const {
  return find_component(*context_->config, domain_);
}

std::optional<std::string> ComponentSession::secret_of(std::string_view domain) {
  const ComponentConfig* found = find_component(*context_->config, domain);
  if (!found) return std::nullopt;
  secret_digest_ = digest_of(found->secret);
  return found->secret;
}

Task<Next> ComponentSession::negotiate(xml::SplitEvent event) {
  if (!negotiation_) {
    // RFC 6120 §4.4: the answer to a closed stream is closing ours.
    if (!std::exchange(ended_, true)) write(stream::kStreamEndTag);
    co_return Next::kEnd;
  }
  stream::AcceptingActions actions;
  if (event.kind == xml::SplitKind::kStreamEnd) {
    actions = negotiation_->on_stream_end();
  } else if (event.kind == xml::SplitKind::kStreamHeader) {
    auto header = xml::parse_stream_header(event.bytes, limits_);
    if (header) {
      header_ = *std::move(header);
      actions = negotiation_->on_header(header_);
      stream_id_ = negotiation_->id();
      domain_ = negotiation_->domain();
    } else {
      actions = negotiation_->on_error(header.error());
    }
  } else {
    const auto element = xml::parse(event.bytes, xml::scope_of(header_), limits_);
    actions =
        element ? negotiation_->on_element(*element) : negotiation_->on_error(element.error());
  }
  reader_.keep_rest();
  co_return co_await perform(std::move(actions));
}

Task<Next> ComponentSession::perform(stream::AcceptingActions actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const stream::AcceptingAction action = std::move(actions[i]);
    if (const auto* send = std::get_if<stream::Send>(&action)) {
      write(send->bytes);
    } else if (std::holds_alternative<stream::SecretProved>(action)) {
      const auto& contexts = context_->shared.contexts;
      const std::size_t home = router::home_shard(domain_, contexts.size());
      if (home == context_->shard.index()) co_return admit();
      move_to(*contexts[home]);
      co_return Next::kMove;
    } else if (std::holds_alternative<stream::SecretWrong>(action)) {
      co_await slow_down();
      if (ended_) co_return Next::kEnd;
      stream::AcceptingActions more = negotiation_->on_slowed();
      std::ranges::move(more, std::back_inserter(actions));
    } else if (const auto* end = std::get_if<stream::EndStream>(&action)) {
      if (end->error) {
        log_info("component refused", {{"stream", stream_id_},
                                       {"peer", transport_->peer()},
                                       {"domain", domain_},
                                       {"condition", to_string(end->error->condition)}});
      }
      ended_ = true;
      co_return Next::kEnd;
    }
  }
  co_return Next::kGoOn;
}

// docs/security.md: who guesses waits longer each time, and hears nothing before.
Task<> ComponentSession::slow_down() {
  const std::string address = transport_->peer_address();
  context_->by_component.failed(address, context_->shard.clock().now());
  const auto delay = context_->by_component.delay(address, context_->shard.clock().now());
  log_warning("wrong secret of a component",
              {{"stream", stream_id_}, {"peer", transport_->peer()}, {"domain", domain_}});
  if (delay.count() > 0) co_await delay_for(context_->shard, delay);
}

void ComponentSession::move_to(ShardContext& home) {
  auto detached = std::make_shared<Detached>(transport_->release());
  transport_.reset();
  context_->components.erase(this);
  home.shard.post([this, &home, detached] {
    context_ = &home;
    transport_ = std::make_unique<session::TcpTransport>(
        Connection::adopt(home.shard, std::move(*detached)));
    home.components.insert(this);
    spawn(run_at_home());
  });
}

// At the domain's home, where all its streams are.
Next ComponentSession::admit() {
  const auto refused = check();
  for (const stream::AcceptingAction& action : negotiation_->on_home(refused)) {
    if (const auto* send = std::get_if<stream::Send>(&action)) write(send->bytes);
  }
  if (refused) {
    log_info("component refused", {{"stream", stream_id_},
                                   {"peer", transport_->peer()},
                                   {"domain", domain_},
                                   {"condition", to_string(refused->condition)}});
    ended_ = true;
    return Next::kEnd;
  }
  begin_accepted();
  return Next::kGoOn;
}

std::optional<StreamError> ComponentSession::check() const {
  if (context_->shared.stopping) return StreamError{StreamCondition::kSystemShutdown, ""};
  const ComponentConfig* config = component();
  const router::ComponentTable& components = context_->router->components();
  if (!config || !components.has(domain_)) return StreamError{StreamCondition::kHostUnknown, ""};
  if (digest_of(config->secret) != secret_digest_) {
    return StreamError{StreamCondition::kNotAuthorized, ""};
  }
  if (components.streams(domain_) >= static_cast<std::size_t>(config->connections)) {
    return StreamError{StreamCondition::kConflict, "this component has connections enough"};
  }
  return std::nullopt;
}

void ComponentSession::begin_accepted() {
  const ComponentConfig& config = *component();
  negotiation_.reset();
  accepted_ = true;
  unsent_ = std::make_unique<UnsentStanzas>(
      context_->shard, [transport = transport_.get()] { return transport->unsent(); });
  limits_.stanza_bytes_max = config.stanza.count;
  reader_.set_limits(limits_);
  transport_->clear_deadline();
  transport_->leave_address_limit();
  transport_->set_rate(static_cast<std::uint32_t>(config.rate.count),
                       static_cast<std::uint32_t>(config.rate_burst.count));
  transport_->set_output_max(config.output_queue.count);
  context_->by_component.succeeded(transport_->peer_address());
  (void)context_->router->component_began(domain_, *this);  // check() has found it there
  log_info("component connected",
           {{"stream", stream_id_}, {"domain", domain_}, {"peer", transport_->peer()}});
}

void ComponentSession::reconsider() {
  if (!accepted_) return;
  const ComponentConfig* config = component();
  if (!config) return end({StreamCondition::kHostGone, ""});
  if (digest_of(config->secret) != secret_digest_) {
    end({StreamCondition::kNotAuthorized, "the secret was changed"});
  }
}

}  // namespace balcony::server
