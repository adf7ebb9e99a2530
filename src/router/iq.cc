#include "router/iq.h"

#include "base/assert.h"

namespace balcony::router {

std::string IqTable::key(bool is_set, QName name) {
  std::string key;
  key.reserve(name.ns.size() + name.name.size() + 2);
  key.push_back(is_set ? 's' : 'g');
  key.append(name.name).push_back(' ');
  key.append(name.ns);
  return key;
}

void IqTable::add(bool is_set, QName name, Entry entry) {
  const bool added = entries_.emplace(key(is_set, name), std::move(entry)).second;
  BALCONY_ASSERT(added, "two modules answer the same request");
}

const IqTable::Entry* IqTable::find(bool is_set, QName name) const {
  const auto found = entries_.find(key(is_set, name));
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace balcony::router
