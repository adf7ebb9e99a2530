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
  std::vector<Entry>& same = entries_[key(is_set, name)];
  for (const Entry& other : same) {
    BALCONY_ASSERT(entry.target != Target::kServerAndAccount &&
                       other.target != Target::kServerAndAccount && entry.target != other.target,
                   "two modules answer the same request");
  }
  same.push_back(std::move(entry));
}

const IqTable::Entry* IqTable::find(bool is_set, QName name, Target target) const {
  const auto found = entries_.find(key(is_set, name));
  if (found == entries_.end()) return nullptr;
  for (const Entry& entry : found->second) {
    if (entry.target == target || entry.target == Target::kServerAndAccount) return &entry;
  }
  return nullptr;
}

}  // namespace balcony::router
