// Whom a user has blocked (XEP-0191), without the protocol: for the module xep_0191_blocking; the
// user's home shard only.
#pragma once

#include <balcony/jid.h>

#include <cstddef>
#include <vector>

namespace balcony::modules {

class BlockList {
 public:
  // In order of JID.
  const std::vector<Jid>& items() const noexcept { return items_; }
  std::size_t size() const noexcept { return items_.size(); }
  bool contains(const Jid& item) const noexcept;
  // Both return whether something has changed.
  bool add(const Jid& item);
  bool remove(const Jid& item);
  void clear() noexcept { items_.clear(); }

  // Whether an item of the list matches this address.
  bool blocks(const Jid& jid) const;

 private:
  std::vector<Jid> items_;
};

// XEP-0191 §6: user@domain/resource and domain/resource match themselves, user@domain all of its
// resources, domain everything that is there.
bool block_item_matches(const Jid& item, const Jid& jid);

}  // namespace balcony::modules
