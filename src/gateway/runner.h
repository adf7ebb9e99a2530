// The gateways of a process, on one thread of their own.
//
// Used by balconyd and by balcony-gateway. Made, used and destroyed by one thread, which is not a
// loop's.
#pragma once

#include "gateway/gateway.h"

#include <balcony/result.h>
#include <balcony/runtime.h>

#include <memory>
#include <string_view>
#include <vector>

namespace balcony::gateway {

class Runner {
 public:
  Runner() = default;
  // Stops all.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Starts a gateway; it then connects in the background. Makes `setup.data` where it is missing.
  // Errors: as Gateway::start().
  Result<> start(GatewaySetup setup);
  // Stops the gateway of this name and waits for its end; nothing when there is none.
  void stop(std::string_view name);
  bool runs(std::string_view name) const;

 private:
  // Made with the first gateway: who has none has no thread for them.
  std::unique_ptr<Runtime> runtime_;
  std::vector<std::shared_ptr<Gateway>> gateways_;
};

}  // namespace balcony::gateway
