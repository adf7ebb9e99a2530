// What a Runtime consists of. For client/ only.
#pragma once

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

}  // namespace balcony
