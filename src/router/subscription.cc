#include "router/subscription.h"

#include "base/assert.h"

namespace balcony::router {

std::string_view subscription_attribute(const SubscriptionState& state) noexcept {
  if (state.to) return state.from ? "both" : "to";
  return state.from ? "from" : "none";
}

bool is_subscription_type(StanzaType type) noexcept {
  switch (type) {
    case StanzaType::kSubscribe:
    case StanzaType::kSubscribed:
    case StanzaType::kUnsubscribe:
    case StanzaType::kUnsubscribed: return true;
    default: return false;
  }
}

OutboundStep outbound(const SubscriptionState& state, StanzaType type) {
  OutboundStep step{state, true};
  SubscriptionState& next = step.next;
  switch (type) {
    case StanzaType::kSubscribe:  // RFC 6121 §A.2.1: always routed
      next.pending_out = !state.to;
      return step;
    case StanzaType::kUnsubscribe:  // §A.2.2: always routed
      next.to = next.pending_out = false;
      return step;
    case StanzaType::kSubscribed:  // §A.2.3: only an answer to a request is routed
      step.route = state.pending_in;
      if (state.pending_in) {
        next.pending_in = false;
        next.from = true;
      } else if (!state.from) {
        next.approved = true;  // §3.4.2: noted, never routed
      }
      return step;
    case StanzaType::kUnsubscribed:  // §A.2.4
      step.route = state.from || state.pending_in;
      next.from = next.pending_in = false;
      next.approved = false;  // §3.4.2: also cancels a pre-approval
      return step;
    default: BALCONY_ASSERT(false, "only subscription types change a subscription");
  }
}

InboundStep inbound(const SubscriptionState& state, StanzaType type) {
  InboundStep step{state};
  SubscriptionState& next = step.next;
  switch (type) {
    case StanzaType::kSubscribe:  // RFC 6121 §A.3.1
      if (state.from) {
        step.reply_subscribed = true;  // §3.1.3: the contact's server has lost track
      } else if (state.approved) {
        step.reply_subscribed = true;  // §3.4.2: the user has said yes already
        next.from = true;
        next.pending_in = false;
      } else {
        step.deliver = !state.pending_in;
        next.pending_in = true;
      }
      return step;
    case StanzaType::kUnsubscribe:  // §A.3.2
      step.deliver = state.from || state.pending_in;
      next.from = next.pending_in = false;
      return step;
    case StanzaType::kSubscribed:  // §A.3.3: counts only if the user has asked
      step.deliver = state.pending_out;
      if (state.pending_out) next.to = true;
      next.pending_out = false;
      return step;
    case StanzaType::kUnsubscribed:  // §A.3.4
      step.deliver = state.to || state.pending_out;
      next.to = next.pending_out = false;
      return step;
    default: BALCONY_ASSERT(false, "only subscription types change a subscription");
  }
}

}  // namespace balcony::router
