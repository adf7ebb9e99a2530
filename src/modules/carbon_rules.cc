#include "modules/carbon_rules.h"

#include "stanza/hints.h"
#include "stanza/ns.h"

#include <algorithm>
#include <functional>
#include <string>

namespace balcony::modules {
namespace {

std::uint64_t mark(std::string_view id, const Jid& peer) {
  // Bare: who answers a message to an account is often one of its resources, or its server.
  return std::hash<std::string>{}(std::string(peer.bare_str()).append(1, '\0').append(id));
}

// XEP-0280 §6.1, third rule.
bool has_im_payload(xml::ElementView message) {
  return std::ranges::any_of(message.children(), [](const xml::ElementView child) {
    return child.ns() == ns::kReceipts || child.ns() == ns::kChatStates ||
           child.ns() == ns::kChatMarkers;
  });
}

}  // namespace

void EligibleMessages::note(const Stanza& message, const Jid& peer) {
  if (message.id().empty()) return;
  const std::uint64_t made = mark(message.id(), peer);
  if (marks_.size() < kMessagesMax) return marks_.push_back(made);
  marks_[next_] = made;
  next_ = (next_ + 1) % kMessagesMax;
}

bool EligibleMessages::holds(std::string_view id, const Jid& peer) const {
  return !id.empty() && std::ranges::find(marks_, mark(id, peer)) != marks_.end();
}

bool is_carbon_eligible(const Stanza& message, CarbonDirection direction,
                        const EligibleMessages* known) {
  const xml::ElementView xml = message.xml();
  const bool sent = direction == CarbonDirection::kSent;
  // §9; the hint alone says the same (XEP-0334 §4.3).
  if (xml.child(ns::kCarbons, "private") || read_hints(xml).no_copy) return false;
  switch (message.type()) {
    case StanzaType::kGroupchat: return false;
    case StanzaType::kError:
      return known && known->holds(message.id(), sent ? *message.to() : *message.from());
    default: break;
  }
  if (xml.child(ns::kConference, "x")) return true;  // XEP-0249
  if (const xml::ElementView muc = xml.child(ns::kMucUser, "x")) {
    if (muc.child("invite")) return true;  // XEP-0045 §7.8.2
    // A private message from an occupant: the room itself sends it to each client that is in.
    if (!sent && message.from()->is_full()) return false;
  }
  if (message.type() == StanzaType::kChat) return true;
  if (message.type() == StanzaType::kNormal && xml.child(ns::kClient, "body")) return true;
  return has_im_payload(xml);
}

}  // namespace balcony::modules
