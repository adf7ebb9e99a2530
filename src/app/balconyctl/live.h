// A command that is shown again and again (CommandSpec::live), with what has changed a second.
#pragma once

#include "server/value.h"

#include <cstdint>
#include <map>
#include <string>

namespace balcony::app {

// What the numbers of results say about the time between them. One thread.
class Rates {
 public:
  // Adds "… /s" members to the result and its rows: changes a second since the result before,
  // rounded to tenths. Nothing is added to the first one.
  void add(server::Value& result, server::Value::List& rows);

 private:
  server::Value before_;
  std::map<std::string, server::Value> rows_before_;  // by stream
};

// Waits so long. False when nobody reads standard output any more.
bool wait_for_next(int milliseconds);

}  // namespace balcony::app
