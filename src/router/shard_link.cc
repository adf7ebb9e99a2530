#include "router/shard_link.h"

#include "base/siphash.h"

namespace balcony::router {

std::size_t home_shard(std::string_view bare, std::size_t shards) {
  static const SipKey key = SipKey::random();
  return shards <= 1 ? 0 : siphash24(key, bare) % shards;
}

}  // namespace balcony::router
