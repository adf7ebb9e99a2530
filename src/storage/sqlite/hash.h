// The hashes of `with` and origin ids that the thin archive rows hold.
#pragma once

#include <cstdint>
#include <string_view>

namespace balcony::storage {

// 48 bits of FNV-1a; SQLite keeps them in six bytes. Stored: it must never change. Anybody can make
// two texts with the same hash, so whoever gives a row away compares the text too.
inline std::int64_t text_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return static_cast<std::int64_t>((hash ^ (hash >> 48)) & 0x7fff'ffff'ffffULL);
}

}  // namespace balcony::storage
