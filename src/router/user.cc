#include "router/user.h"

#include <algorithm>

namespace balcony::router {

ConnectedResource* User::find(std::string_view resource) const noexcept {
  for (const auto& connected : resources) {
    if (connected->jid.resource() == resource) return connected.get();
  }
  return nullptr;
}

bool User::has_available() const noexcept {
  return std::ranges::any_of(resources, [](const auto& r) { return r->available; });
}

bool User::may_see_presence(const Jid& contact) const noexcept {
  if (contact.same_bare(bare)) return true;
  const RosterItem* item = roster.find(contact);
  return item && item->state.from;
}

}  // namespace balcony::router
