// SipHash-2-4 (Aumasson, Bernstein): a keyed hash for tables and shards that a peer must not aim
// at.
#pragma once

#include <cstdint>
#include <string_view>

namespace balcony {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t siphash24(const SipKey& key, std::string_view bytes) noexcept;

}  // namespace balcony
