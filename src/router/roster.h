// A user's roster (RFC 6121 §2) in memory, on the user's home shard.
//
// Plain data with the rules that concern one item; what the states do to each other is in
// subscription.h, what goes to whom in modules/rfc_6121_*.cc.
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

// The state of a subscription pair as one side's server sees it (RFC 6121 appendix A.1): the four
// values of the 'subscription' attribute as two bits, and what is pending.
struct SubscriptionState {
  bool to = false;           // the user gets the contact's presence
  bool from = false;         // the contact gets the user's presence
  bool pending_out = false;  // ask='subscribe'
  bool pending_in = false;   // a request of the contact waits for the user's answer
  bool approved = false;     // pre-approved, RFC 6121 §3.4

  friend bool operator==(const SubscriptionState&, const SubscriptionState&) = default;
};

// "none", "to", "from" or "both" (RFC 6121 §2.1.2.5).
std::string_view subscription_attribute(const SubscriptionState& state) noexcept;

struct RosterItem {
  Jid jid;
  std::string name;
  std::vector<std::string> groups;
  SubscriptionState state;
  // The stanza of a pending inbound request, as it came (RFC 6121 §3.1.3: delivered with what it
  // holds whenever the user gets online); empty when nothing is pending.
  std::string request;

  // Whether the item is in the roster that clients see: one that only holds a pending inbound
  // request
  // ("None + Pending In") is not (RFC 6121 §A.1).
  bool is_visible() const noexcept {
    return state.to || state.from || state.pending_out || state.approved || listed;
  }
  // The user put it there himself (a roster set, RFC 6121 §2.3), whatever the subscription.
  bool listed = false;
};

// The <item/> for clients (RFC 6121 §2.1.2), and the same with all state as it is stored.
xml::Element write_item(const RosterItem& item);
std::string store_item(const RosterItem& item);
Result<RosterItem> load_item(std::string_view stored);

class Roster {
 public:
  // In order of JID.
  const std::vector<RosterItem>& items() const noexcept { return items_; }
  // By bare JID; null when there is none. Valid until the next put() or erase().
  const RosterItem* find(const Jid& contact) const noexcept;
  RosterItem& get_or_add(const Jid& contact);
  void put(RosterItem item);
  bool erase(const Jid& contact);
  std::size_t size() const noexcept { return items_.size(); }

  // Roster versioning (RFC 6121 §2.6): grows by one with every change that clients see.
  std::uint64_t version = 0;

 private:
  std::vector<RosterItem> items_;
};

}  // namespace balcony::router
