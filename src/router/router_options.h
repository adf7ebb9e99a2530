// The limits that hold for routing and for what is kept of users; each is in the configuration
// (docs/security.md).
#pragma once

#include <cstddef>

namespace balcony::router {

struct RouterOptions {
  std::size_t resources_max = 20;  // sessions of one account
  std::size_t roster_items_max = 1'000;
  std::size_t directed_max = 1'000;       // entities with directed presence of one session
  std::size_t offline_users_max = 1'000;  // users without session that are kept loaded, a shard
  std::size_t waiting_max = 1'000;        // stanzas that wait for one user to be loaded
};

}  // namespace balcony::router
