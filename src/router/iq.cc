#include "router/iq.h"

#include "base/assert.h"

namespace balcony::router {

std::string IqTable::key(bool is_set, QName name, Target target) {
  std::string key;
  key.reserve(name.ns.size() + name.name.size() + 3);
  key.push_back(is_set ? 's' : 'g');
  key.push_back(target == Target::kServer ? 's' : 'a');
  key.append(name.name).push_back(' ');
  key.append(name.ns);
  return key;
}

void IqTable::add(bool is_set, QName name, Entry entry) {
  for (const Target target : {Target::kServer, Target::kAccount}) {
    if (entry.target != target && entry.target != Target::kServerAndAccount) continue;
    const bool added = entries_.emplace(key(is_set, name, target), entry).second;
    BALCONY_ASSERT(added, "two modules answer the same request");
  }
}

const IqTable::Entry* IqTable::find(bool is_set, QName name, Target target) const {
  const auto found = entries_.find(key(is_set, name, target));
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace balcony::router
