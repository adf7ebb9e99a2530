// stats, top, log level.
#include "server/commands.h"
#include "server/hop.h"
#include "server/metrics.h"

#include "base/log.h"
#include "base/version.h"
#include "router/router.h"

#include <algorithm>
#include <array>

namespace balcony::server {
namespace {

constexpr std::size_t kTopSessions = 20;

Value describe(const ShardStatistics& counts) {
  Value value;
  value.set("connections", counts.connections);
  value.set("sessions", counts.sessions_connected);
  value.set("waiting", counts.sessions_waiting);
  value.set("users", counts.users_loaded);
  value.set("accepted", counts.connections_accepted);
  value.set("in", counts.stanzas_received);
  value.set("out", counts.stanzas_delivered);
  value.set("logins", counts.logins_succeeded);
  value.set("logins failed", counts.logins_failed);
  return value;
}

Value describe(const storage::DatabaseCounts& counts) {
  Value storage;
  storage.set("batches", counts.batches);
  storage.set("rows", counts.rows);
  storage.set("transactions", counts.groups);
  storage.set("failed", counts.failed);
  storage.set("unreadable", counts.corrupt);
  storage.set("disk full", counts.disk_full);
  return storage;
}

Value describe(const Statistics& statistics) {
  Value result;
  result.set("version", kBalconyVersion);
  result.set("up ms", statistics.up.count());
  for (Value all = describe(statistics.all()); const Value::Member& member : *all.members()) {
    result.set(member.name, member.value);
  }
  result.set("passwords waiting", statistics.hashes_waiting);
  result.set("memory bytes", statistics.process.resident_bytes);
  result.set("descriptors", statistics.process.descriptors);
  result.set("descriptors max", statistics.process.descriptors_max);
  result.set("storage", describe(statistics.storage));
  return result;
}

Task<Result<Value>> stats(const CommandContext& context, const CommandArgs&) {
  const Statistics statistics = co_await gather_statistics(*context.at);
  Value result = describe(statistics);
  Value::List shards;
  for (std::size_t i = 0; i < statistics.shards.size(); ++i) {
    Value row;
    row.set("shard", i);
    const Value counts = describe(statistics.shards[i]);
    for (const Value::Member& member : *counts.members()) row.set(member.name, member.value);
    shards.push_back(std::move(row));
  }
  result.set("shards", std::move(shards));
  co_return result;
}

// ---- top ----

struct Busy {
  std::string jid;
  router::Endpoint::Info info;
  std::uint64_t stanzas() const { return info.stanzas_in + info.stanzas_out; }
};

// The busiest, the first of all first; the others are dropped.
void keep_busiest(std::vector<Busy>& sessions) {
  const auto end =
      sessions.begin() + static_cast<std::ptrdiff_t>(std::min(sessions.size(), kTopSessions));
  std::ranges::partial_sort(sessions, end, std::ranges::greater(), &Busy::stanzas);
  sessions.erase(end, sessions.end());
}

Task<std::vector<Busy>> busiest_here(ShardContext& here) {
  std::vector<Busy> found;
  here.router->users().for_each([&found](router::User& user) {
    for (const auto& resource : user.resources) {
      found.push_back({resource->jid.str(), resource->endpoint->info()});
    }
    if (found.size() > 50 * kTopSessions) keep_busiest(found);
  });
  keep_busiest(found);
  co_return found;
}

Task<Result<Value>> top(const CommandContext& context, const CommandArgs&) {
  const Statistics statistics = co_await gather_statistics(*context.at);
  std::vector<Busy> busiest;
  for (const auto& there : context.at->shared.contexts) {
    const std::function<Task<std::vector<Busy>>()> gather = [&there] {
      return busiest_here(*there);
    };
    auto found = co_await run_on<std::vector<Busy>>(context.at->shard, there->shard, gather);
    std::ranges::move(found, std::back_inserter(busiest));
  }
  keep_busiest(busiest);
  for (const Busy& session : busiest) {
    Value row;
    row.set("jid", session.jid);
    row.set("in", session.info.stanzas_in);
    row.set("out", session.info.stanzas_out);
    row.set("address", session.info.address);
    row.set("stream", session.info.stream_id);
    co_await context.row(std::move(row));
  }
  co_return describe(statistics);
}

// ---- log level ----

constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "warning", "error", "off"};

Task<Result<Value>> set_level(const CommandContext&, const CommandArgs& args) {
  LogLevel level = log_level();
  const std::string wanted = args.text("level");
  if (!wanted.empty() && parse_log_level(wanted, level)) {
    set_log_level(level);
    log(LogLevel::kInfo, "log level set", {{"level", wanted}});
  }
  Value result;
  result.set("level", kLevels[static_cast<std::size_t>(level)]);
  co_return result;
}

}  // namespace

std::vector<CommandSpec> statistics_commands() {
  const std::vector<std::string> levels(kLevels.begin(), kLevels.end());
  return {
      {"stats",
       "Shows what the server has counted since its start, in all and for each shard.",
       {},
       "",
       {"stats", "--json stats"},
       Role::kObserver,
       Needs::kServer,
       stats},
      {"top",
       "Shows counters, their rates and the busiest sessions, every two seconds.",
       {{"once", ArgType::kFlag, "Show them once, without rates, and end.", false}},
       "",
       {"top", "top --once", "--json top"},
       Role::kObserver,
       Needs::kServer,
       top,
       true},
      {"log level",
       "Shows the level of the log, or sets it until the next reload or start.",
       {{"level", ArgType::kText, "debug, info, warning, error or off.", false, levels}},
       "log level: {level}",
       {"log level", "log level debug"},
       Role::kOperator,
       Needs::kServer,
       set_level},
  };
}

}  // namespace balcony::server
