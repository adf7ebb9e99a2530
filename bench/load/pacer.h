// Pacer: calls a function every half millisecond on a shard's thread, for load at a fixed rate. A
// shard's own timers have ticks of 100 ms; a thread beside it would have to wake it each time, and
// would be on the core of the server half of the time.
//
// On the shard that it was made on.
#pragma once

#include "net/file_descriptor.h"
#include "net/shard.h"
#include "net/watcher.h"

#include <cstdint>
#include <functional>

namespace balcony::bench {

class Pacer final : public Watcher {
 public:
  // `tick` is called until the pacer is destroyed or the shard stops. A tick that comes too late
  // makes up for those that were missed: it is called once.
  Pacer(Shard& shard, std::function<void()> tick);
  ~Pacer() override;

 private:
  void on_events(std::uint32_t events) override;

  Shard& shard_;
  std::function<void()> tick_;
  FileDescriptor timer_;
};

}  // namespace balcony::bench
