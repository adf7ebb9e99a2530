// The limits that hold for routing and for what is kept of users; each is in the configuration
// (docs/security.md).
#pragma once

#include <chrono>
#include <cstddef>

namespace balcony::router {

// Routes to other servers (remote.h).
struct RemoteOptions {
  std::size_t stanzas_max = 1'000;             // that wait for one pair of domains
  std::size_t bytes_max = 1024 * 1024;         // the same in bytes
  std::size_t bytes_all_max = 64 << 20;        // that wait for all of them, a shard
  std::chrono::milliseconds wait_max{60'000};  // how long one waits
  std::size_t routes_max = 10'000;  // pairs of domains of which something is kept, a shard
  std::chrono::milliseconds retry_first{1'000};  // after a failure; doubled with each one
  std::chrono::milliseconds retry_max{300'000};
};

struct RouterOptions {
  RemoteOptions remote;
  std::size_t resources_max = 20;  // sessions of one account
  std::size_t roster_items_max = 1'000;
  std::size_t directed_max = 1'000;       // entities with directed presence of one session
  std::size_t offline_users_max = 1'000;  // users without session that are kept loaded, a shard
  std::size_t waiting_max = 1'000;        // stanzas that wait for one user to be loaded
};

}  // namespace balcony::router
