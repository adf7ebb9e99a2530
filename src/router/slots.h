// What a module keeps of a user or of a session: a slot, typed, made when first asked for.
//
// Slots belong to the user or session, not to the module, so a reload of the configuration forgets
// nothing. A SlotKey is made once per type at start (a function-local static or a namespace
// constant).
//
//   const SlotKey<LastActivity> kLast;
//   user.slots.get(kLast).when = …;
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace balcony::router {

namespace detail {
inline std::size_t next_slot_number() {
  static std::atomic<std::size_t> next{0};
  return next++;
}
}  // namespace detail

template <class T>
class SlotKey {
 public:
  SlotKey() : number_(detail::next_slot_number()) {}
  std::size_t number() const { return number_; }

 private:
  std::size_t number_;
};

// One thread: the home shard's.
class Slots {
 public:
  // The slot's value, default-constructed at the first call.
  template <class T>
  T& get(const SlotKey<T>& key) {
    if (T* found = find(key)) return *found;
    auto made = std::make_unique<Holder<T>>();
    T& value = made->value;
    entries_.emplace_back(key.number(), std::move(made));
    return value;
  }

  // The value if it was ever made, else null.
  template <class T>
  T* find(const SlotKey<T>& key) const {
    for (const auto& [number, holder] : entries_) {
      if (number == key.number()) return &static_cast<Holder<T>*>(holder.get())->value;
    }
    return nullptr;
  }

  template <class T>
  void erase(const SlotKey<T>& key) {
    std::erase_if(entries_, [&key](const auto& entry) { return entry.first == key.number(); });
  }

  void clear() { entries_.clear(); }

 private:
  struct Base {
    virtual ~Base() = default;
  };
  template <class T>
  struct Holder : Base {
    T value{};
  };
  // Few slots are in use for one user: a short list beats a table in memory and time.
  std::vector<std::pair<std::size_t, std::unique_ptr<Base>>> entries_;
};

}  // namespace balcony::router
