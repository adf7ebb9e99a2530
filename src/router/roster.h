// A user's roster (RFC 6121 §2) in memory, on the user's home shard.
//
// Plain data with the rules that concern one item; what the states do to each other is in
// subscription.h, what goes to whom in modules/rfc_6121_*.cc. An item takes 80 bytes and its
// strings: rosters are most of what an online user costs.
#pragma once

#include "router/subscription.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

// Movable, not copyable.
class RosterItem {
 public:
  // `contact` is a bare JID.
  explicit RosterItem(Jid contact) : jid(std::move(contact)) {}

  [[no_unique_address]] Jid jid;
  SubscriptionState state;
  // Whether the item is in the roster: the user put it there (a roster set, RFC 6121 §2.3) or a
  // subscription did. Not so for one that only holds a pending inbound request.
  bool listed = false;
  // Whether the configuration put it there: nobody changes it, and it is not stored.
  bool shared = false;

  // The name that the user gave the contact (§2.1.2.4); may be empty.
  std::string_view name() const noexcept;
  // The groups (§2.1.2.6), in order of bytes. Views are valid until set_label().
  std::vector<std::string_view> groups() const;
  void set_label(std::string_view name, std::vector<std::string> groups);

  // The stanza of a pending inbound request, as it came (§3.1.3: delivered with what it holds
  // whenever the user gets online); empty when nothing is pending.
  std::string_view request() const noexcept { return request_ ? *request_ : std::string_view{}; }
  void set_request(std::string stanza);
  void clear_request() noexcept { request_.reset(); }

  // Whether clients see the item: one that only holds a pending inbound request is not in the
  // roster (§A.1, "None + Pending In").
  bool is_visible() const noexcept {
    return listed || state.to || state.from || state.pending_out || state.approved;
  }
  // Whether nothing of it needs to be kept.
  bool is_empty() const noexcept { return !is_visible() && !state.pending_in; }

 private:
  // The name, then NUL and a group for each group: XML has no NUL, and most items have no groups.
  std::string label_;
  std::unique_ptr<std::string> request_;  // rare, so not worth 32 bytes
};

static_assert(sizeof(RosterItem) <= 80);

// The <item/> for clients (RFC 6121 §2.1.2).
xml::Element write_item(const RosterItem& item);
// The same with all state, as it is stored, and back. Errors: kMalformed for what store_item()
// cannot have written.
std::string store_item(const RosterItem& item);
Result<RosterItem> load_item(std::string_view stored);

class Roster {
 public:
  // In order of JID.
  const std::vector<RosterItem>& items() const noexcept { return items_; }
  // By the bare JID of `contact`; null when there is none. Valid until the next change.
  const RosterItem* find(const Jid& contact) const noexcept;
  RosterItem& get_or_add(const Jid& contact);
  // Adds or replaces.
  void put(RosterItem item);
  bool erase(const Jid& contact);
  std::size_t size() const noexcept { return items_.size(); }
  // Gives back memory that growing left over; after loading.
  void shrink() { items_.shrink_to_fit(); }

  // Roster versioning (RFC 6121 §2.6): grows with every change that clients see; 0 for a roster
  // that never had one.
  std::uint64_t version = 0;
  // Made of all shared items, which come and go without a new version; 0 when there are none.
  std::uint64_t shared_mark = 0;
  // What clients get as 'ver': equal texts mean equal rosters.
  std::string version_text() const;

 private:
  std::vector<RosterItem>::iterator lower_bound(std::string_view bare) noexcept;
  std::vector<RosterItem> items_;
};

}  // namespace balcony::router
