// What commands of the operator ask of the whole process. balconyd implements it; tests have their
// own.
#pragma once

#include <balcony/result.h>

#include <functional>

namespace balcony::server {

class ProcessControl {
 public:
  virtual ~ProcessControl() = default;

  // Reads the configuration again and takes it over, as SIGHUP does; soon, on another thread, which
  // also calls `done`. From any thread.
  virtual void reload(std::function<void(Result<>)> done) = 0;
  // Ends the process in order, as SIGTERM does; returns at once. From any thread.
  virtual void stop() = 0;
};

}  // namespace balcony::server
