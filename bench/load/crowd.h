// Many clients: logging them in, a few at a time, and waiting. On one shard.
#pragma once

#include "bench/load/client.h"
#include "bench/load/options.h"
#include "net/shard.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <memory>
#include <vector>

namespace balcony::bench {

using Clients = std::vector<std::unique_ptr<Client>>;

class Crowd {
 public:
  Crowd(Shard& shard, const Options& options) : shard_(shard), options_(options) {}

  // Reads the options. Errors: a bad address, TLS that cannot be set up.
  Result<> set_up();

  // Logs in accounts `first` to `first + count`; they are appended to clients(). Errors: that of
  // the first login that fails.
  Task<Result<>> log_in(std::size_t first, std::size_t count);
  // Ends all streams in order, and forgets the clients.
  Task<> log_out();

  Clients& clients() { return clients_; }

 private:
  struct Under;
  Task<> work(Under& way);

  Shard& shard_;
  const Options& options_;
  LoginSettings settings_;
  LoginSettings far_;  // of the other server
  std::vector<Account> accounts_;
  Clients clients_;
};

Task<> wait(Loop& loop, std::chrono::milliseconds time);

}  // namespace balcony::bench
