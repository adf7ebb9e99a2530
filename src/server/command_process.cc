// reload and stop.
#include "server/commands.h"

namespace balcony::server {
namespace {

Task<Result<Value>> reload(const CommandContext& context, const CommandArgs&) {
  // Shared: should this coroutine be destroyed meanwhile, the answer has still somewhere to go.
  auto answer = std::make_shared<OneShot<Result<>>>();
  Shard& here = context.at->shard;
  context.process->reload([&here, answer](Result<> outcome) {
    here.post([answer, outcome = std::move(outcome)] { answer->set(outcome); });
  });
  OneShot<Result<>>& outcome_here = *answer;
  BALCONY_CO_CHECK(co_await outcome_here);
  Value result;
  const std::string& file = context.server->config()->file;
  result.set("configuration", file.empty() ? "defaults" : file);
  co_return result;
}

Task<Result<Value>> stop(const CommandContext& context, const CommandArgs&) {
  context.process->stop();
  co_return Value();
}

}  // namespace

std::vector<CommandSpec> process_commands() {
  return {
      {"reload",
       "Reads the configuration again, as SIGHUP does; a wrong one is refused and told.",
       {},
       "reloaded {configuration}",
       {"reload"},
       Role::kOperator,
       Needs::kServer,
       reload},
      {"stop",
       "Ends the server in order.",
       {},
       "the server ends",
       {"stop"},
       Role::kOperator,
       Needs::kServer,
       stop},
  };
}

}  // namespace balcony::server
