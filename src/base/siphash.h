// SipHash-2-4 (Aumasson, Bernstein): a keyed hash for tables and shards that a peer must not aim
// at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace balcony {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  // One that nobody knows, from the system's generator.
  static SipKey random();
};

std::uint64_t siphash24(const SipKey& key, std::string_view bytes) noexcept;

// The hash of a table, with a key of its own.
struct SipHash {
  using is_avalanching = void;  // for Boost: all bits count

  SipKey key = SipKey::random();

  std::size_t operator()(std::string_view bytes) const noexcept { return siphash24(key, bytes); }
};

}  // namespace balcony
