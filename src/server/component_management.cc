// Acknowledgements of a component's stream (XEP-0198 §3, §4), as of a client's but without
// resumption (docs/decisions/0017).
#include "base/log.h"
#include "router/subscription.h"
#include "server/component_session.h"
#include "stanza/ns.h"
#include "stream/actions.h"
#include "stream/stream_management.h"

#include <chrono>
#include <memory>
#include <utility>

namespace balcony::server {
namespace {

// How long a component that is asked at the server's end has to answer.
constexpr std::chrono::seconds kStopWithin{2};

}  // namespace

Next ComponentSession::on_management(xml::ElementView element) {
  if (element.name() == "enable" && !managed_) {
    enable();
    return Next::kGoOn;
  }
  if (!managed_) {
    write(stream::written(stream::write_failed(Errc::kUnexpectedRequest)));
    return Next::kGoOn;
  }
  const auto effect = managed_->on_element(element);
  write(effect.reply);
  if (!effect.error) {
    if (stopping_ && managed_->waiting().empty()) end({StreamCondition::kSystemShutdown, ""});
    return ended_ ? Next::kEnd : Next::kGoOn;
  }
  log_info("component stream ended",
           {{"stream", stream_id_}, {"domain", domain_}, {"error", effect.error->text}});
  if (!std::exchange(ended_, true)) write(stream::kStreamEndTag);
  return Next::kEnd;
}

// XEP-0198 §3. Who asks for resumption hears that there is none: <enabled/> without an id.
void ComponentSession::enable() {
  ManagedOptions options;
  options.silence_max = context_->config->stream_management.silence;
  options.ask_soon = true;
  write(stream::written(stream::write_enabled("", 0)));
  managed_ = std::make_unique<ManagedStream>(
      context_->shard, std::make_shared<Ledger>(context_->shard), std::string(), options);
  managed_->attach(this);
}

// As a client's (docs/decisions/0012).
void ComponentSession::hand_in(Stanza&& stanza, std::size_t bytes, Rest& rest) {
  ReceiptPtr receipt;
  if (managed_) receipt = managed_->ledger()->enter(stanza.is_message() ? bytes : 0);
  const bool is_stored = stanza.is_message() || router::is_subscription_type(stanza.type());
  // Moved: the last copy may go on another shard, behind an error that is posted here. One that we
  // kept would outlive it, and the acknowledgement overtake the error.
  const bool is_carried = is_stored || (stanza.is_request() && !stanza.to()->is_full());
  if (is_carried) stanza.set_receipt(std::move(receipt));
  rest.task = context_->router->receive_component(std::move(stanza));
  if (rest.task) rest.receipt = std::move(receipt);
}

bool ComponentSession::is_too_far_ahead() const {
  return managed_ && is_too_much_open(managed_->ledger().get(), context_->config->limits);
}

void ComponentSession::peer_is_silent() {
  log_info("the component acknowledges nothing", {{"stream", stream_id_}, {"domain", domain_}});
  transport_->set_deadline_in(std::chrono::milliseconds(0));
}

void ComponentSession::stop() {
  const StreamError shutdown{StreamCondition::kSystemShutdown, ""};
  if (ended_ || !managed_ || managed_->waiting().empty()) return end(shutdown);
  leave_router();
  stopping_ = true;
  managed_->ask();
  stop_timer_ = context_->shard.after(kStopWithin, [this, shutdown] {
    stop_timer_ = 0;
    end(shutdown);
  });
}

}  // namespace balcony::server
