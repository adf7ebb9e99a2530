// The states of a presence subscription and what changes them: RFC 6121 appendix A as functions.
//
// Pure: a state and an event give the next state and what the server does. The modules
// rfc_6121_roster and rfc_6121_subscription carry it out. From any thread.
#pragma once

#include "stanza/stanza.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace balcony::router {

// The state of a subscription pair as one side's server sees it (RFC 6121 appendix A.1): the four
// values of the 'subscription' attribute as two bits, and what is pending.
struct SubscriptionState {
  bool to : 1 = false;           // the user gets the contact's presence
  bool from : 1 = false;         // the contact gets the user's presence
  bool pending_out : 1 = false;  // ask='subscribe'
  bool pending_in : 1 = false;   // a request of the contact waits for the user's answer
  bool approved : 1 = false;     // pre-approved, RFC 6121 §3.4

  friend bool operator==(const SubscriptionState&, const SubscriptionState&) = default;

  // Whether clients see a difference: a pending inbound request is no part of a roster item.
  bool looks_like(const SubscriptionState& other) const noexcept {
    return to == other.to && from == other.from && pending_out == other.pending_out &&
           approved == other.approved;
  }
};

// "none", "to", "from" or "both" (RFC 6121 §2.1.2.5).
std::string_view subscription_attribute(const SubscriptionState& state) noexcept;

// Whether a presence of this type is about subscriptions: subscribe, subscribed, unsubscribe,
// unsubscribed.
bool is_subscription_type(StanzaType type) noexcept;

// What a server does with a subscription stanza from its own user to a contact (§A.2).
struct OutboundStep {
  SubscriptionState next;
  bool route = false;  // send it on to the contact

  friend bool operator==(const OutboundStep&, const OutboundStep&) = default;
};

// `type` is one of the four subscription types.
OutboundStep outbound(const SubscriptionState& state, StanzaType type);

// What a server does with a subscription stanza from a contact to its own user (§A.3).
struct InboundStep {
  SubscriptionState next;
  bool deliver = false;           // to the user's resources
  bool reply_subscribed = false;  // answer in the user's name: <presence type='subscribed'/>

  friend bool operator==(const InboundStep&, const InboundStep&) = default;
};

InboundStep inbound(const SubscriptionState& state, StanzaType type);

}  // namespace balcony::router
