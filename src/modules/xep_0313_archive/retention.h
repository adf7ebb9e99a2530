// Erases what archives need not keep any more, in small steps in the background (XEP-0313 §3.2: the
// oldest first, so that no holes come to be).
//
// Every shard has one for each host; whoever of them finds that the last round is long enough ago
// does the next. A round goes over all owners of the host. One shard's thread.
#pragma once

#include "modules/modules.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace balcony::modules {

struct RetentionOptions {
  std::chrono::seconds keep;   // 0: for ever
  std::uint64_t messages_max;  // of one user; 0: any number
  std::chrono::seconds every;
};

class Retention : public std::enable_shared_from_this<Retention> {
 public:
  Retention(Server& server, const RetentionOptions& options)
      : server_(server),
        store_(server.store()),
        loop_(server.loop()),
        host_(server.host()),
        options_(options) {}

  // Begins to look at the clock. It ends with the last owner of this object.
  void start();

 private:
  void look_again_in(std::chrono::milliseconds delay);
  // Each is one short task, so that a server that stops waits for no more than that.
  void next();
  Task<> take_turn();
  Task<Result<bool>> is_due();
  Task<Result<>> step();
  Task<Result<>> erase_old(std::string owner);
  Task<Result<>> erase_many(std::string owner);
  // The oldest rows before `position` (empty: any), as many as one step may erase and `most` says.
  Task<Result<std::uint64_t>> erase_oldest(std::string owner, std::string position,
                                           std::uint64_t most);

  Server& server_;  // only where nothing has waited: a reload may take the host away
  storage::Store& store_;
  Loop& loop_;
  const Jid host_;
  const RetentionOptions options_;
  bool in_round_ = false;
  std::string cursor_;           // the owner that was last done with
  std::uint64_t step_rows_ = 0;  // what the step under way may still erase
};

}  // namespace balcony::modules
