#include "modules/block_list.h"

#include <algorithm>

namespace balcony::modules {

bool BlockList::contains(const Jid& item) const noexcept {
  return std::ranges::binary_search(items_, item);
}

bool BlockList::add(const Jid& item) {
  const auto at = std::ranges::lower_bound(items_, item);
  if (at != items_.end() && *at == item) return false;
  items_.insert(at, item);
  return true;
}

bool BlockList::remove(const Jid& item) {
  const auto at = std::ranges::lower_bound(items_, item);
  if (at == items_.end() || *at != item) return false;
  items_.erase(at);
  return true;
}

bool BlockList::blocks(const Jid& jid) const {
  if (items_.empty()) return false;
  return contains(jid) || (jid.is_full() && contains(jid.bare())) ||
         (jid.has_local() && contains(jid.domain_jid()));
}

bool block_item_matches(const Jid& item, const Jid& jid) {
  if (item.is_full()) return item == jid;
  if (item.has_local()) return item.same_bare(jid);
  return item.domain() == jid.domain();
}

}  // namespace balcony::modules
