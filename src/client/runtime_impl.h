// What a Runtime consists of. For client/ only.
#pragma once

#include "base/assert.h"
#include "net/resolver.h"
#include "net/shard.h"

#include <balcony/runtime.h>

#include <cstddef>
#include <memory>

namespace balcony {

struct Runtime::Impl {
  std::unique_ptr<Shard> own_shard;   // Thread::kCallers
  std::unique_ptr<ShardSet> threads;  // Thread::kOwn
  Shard* shard = nullptr;
  std::unique_ptr<Resolver> dns;  // made when it is first asked
  std::size_t streams = 0;        // that are open; counted by client::Stream
  bool ran = false;

  // The resolver. Errors: as Resolver::create().
  Result<Resolver*> resolver();
};

namespace client {

// Of the loop that runs here; there must be one.
inline Runtime& runtime_here() {
  Runtime* const runtime = Runtime::current();
  BALCONY_ASSERT(runtime != nullptr, "Clients and Components are made inside of a Runtime");
  return *runtime;
}

}  // namespace client
}  // namespace balcony
