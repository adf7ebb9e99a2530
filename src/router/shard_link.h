// The shards of a server as the router sees them: how many, which is mine, and how to reach
// another.
#pragma once

#include "base/loop.h"

#include <cstddef>
#include <string_view>

namespace balcony::router {

class Router;

class ShardLink {
 public:
  virtual ~ShardLink() = default;
  virtual std::size_t count() const = 0;
  // Runs `job` on that shard with its router. From any shard; order between two shards is kept.
  virtual void post(std::size_t shard, std::move_only_function<void(Router&)> job) = 0;
};

// The home of an entity: a keyed hash of its bare JID (decision 0010). The key is drawn once per
// process, so that nobody can aim at one shard. From any thread.
std::size_t home_shard(std::string_view bare, std::size_t shards);

}  // namespace balcony::router
