// Asks for the cache lines of an object that will be needed soon, while something else is done. A
// hint: it costs a few instructions and changes nothing.
//
// For what belongs to one session: it was not touched since that session's last stanza, and each of
// its lines costs a message some 0.2 µs when it is waited for (docs/benchmarks.md).
#pragma once

#include <cstddef>

namespace balcony {

// The lines that `object` lies in. Any thread; `object` may be changed at the same time by another.
template <class T>
inline void prefetch(const T& object) noexcept {
  constexpr std::size_t kLine = 64;
  const auto* const begin = reinterpret_cast<const char*>(&object);
  for (std::size_t at = 0; at < sizeof(T); at += kLine) __builtin_prefetch(begin + at);
  __builtin_prefetch(begin + sizeof(T) - 1);
}

}  // namespace balcony
