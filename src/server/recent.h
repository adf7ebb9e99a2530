// Recent: a bounded map by name that forgets what was put in longest ago. For what is remembered of
// others' servers, addresses and accounts, which anybody can make us hear of.
//
// A value of one thread.
#pragma once

#include "base/siphash.h"

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace balcony::server {

template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t entries_max) : entries_max_(entries_max) {}
  Recent(const Recent&) = delete;
  Recent& operator=(const Recent&) = delete;

  // Null: nothing is known of it. Good until the next put() or erase().
  Value* find(std::string_view name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second->second;
  }
  // Replaces what was there; the oldest goes where there are too many.
  Value& put(std::string_view name, Value value) {
    erase(name);
    entries_.emplace_front(std::string(name), std::move(value));
    by_name_.emplace(entries_.front().first, entries_.begin());
    while (entries_.size() > entries_max_ && entries_.size() > 1) erase(entries_.back().first);
    return entries_.front().second;
  }
  void erase(std::string_view name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return;
    const auto entry = found->second;
    by_name_.erase(found);
    entries_.erase(entry);
  }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  const std::size_t entries_max_;
  Entries entries_;  // the newest first
  std::unordered_map<std::string_view, typename Entries::iterator, SipHash> by_name_;
};

}  // namespace balcony::server
