// session list and kick, status.
#include "server/command_sessions.h"

#include "server/hop.h"

#include "base/version.h"
#include "router/router.h"
#include "stanza/datetime.h"

namespace balcony::server {
namespace {

Value describe(const router::ConnectedResource& resource, std::size_t shard) {
  const auto info = resource.endpoint->info();
  Value row;
  row.set("jid", resource.jid.str());
  row.set("address", info.address);
  row.set("tls", info.tls);
  row.set("since", format_datetime(info.since));
  row.set("in", info.stanzas_in);
  row.set("out", info.stanzas_out);
  row.set("available", resource.available);
  row.set("priority", static_cast<int>(resource.priority));
  row.set("shard", shard);
  row.set("stream", info.stream_id);
  return row;
}

Task<Value::List> sessions_here(ShardContext& here) {
  Value::List rows;
  here.router->users().for_each([&rows, &here](router::User& user) {
    for (const auto& resource : user.resources) {
      rows.push_back(describe(*resource, here.shard.index()));
    }
  });
  co_return rows;
}

Task<Result<Value>> list_sessions(const CommandContext& context, const CommandArgs&) {
  std::int64_t count = 0;
  for (const auto& there : context.at->shared.contexts) {
    const std::function<Task<Value::List>()> gather = [&there] { return sessions_here(*there); };
    Value::List rows = co_await run_on<Value::List>(context.at->shard, there->shard, gather);
    for (Value& row : rows) co_await context.row(std::move(row));
    count += static_cast<std::int64_t>(rows.size());
  }
  Value result;
  result.set("sessions", count);
  co_return result;
}

Task<std::int64_t> end_here(ShardContext& home, Jid jid, StreamError why) {
  const auto user = home.router->users().loaded(jid.bare_str());
  if (!user) co_return 0;
  std::vector<Jid> wanted;
  for (const auto& resource : user->resources) {
    if (jid.is_bare() || resource->jid == jid) wanted.push_back(resource->jid);
  }
  for (const Jid& full : wanted) {
    if (auto* resource = user->find(full.resource())) home.router->end_session(*resource, why);
  }
  co_return static_cast<std::int64_t>(wanted.size());
}

Task<Result<Value>> kick(const CommandContext& context, const CommandArgs& args) {
  const Jid jid = args.jid("jid");
  // RFC 6120 §4.9.3.14: a local policy; nothing that invites to come back at once.
  const StreamError why{StreamCondition::kPolicyViolation, "ended by the operator"};
  const std::int64_t ended = co_await end_sessions(context, jid, why);
  if (ended == 0) co_return fail(Errc::kItemNotFound, jid.str() + " has no session");
  Value result;
  result.set("jid", jid.str());
  result.set("ended", ended);
  co_return result;
}

struct Counts {
  std::int64_t connections = 0;
  std::int64_t sessions = 0;
  std::int64_t users = 0;
};

Task<Counts> counts_here(ShardContext& here) {
  Counts counts;
  counts.connections = static_cast<std::int64_t>(here.sessions.size());
  counts.sessions = static_cast<std::int64_t>(here.router->users().sessions());
  counts.users = static_cast<std::int64_t>(here.router->users().size());
  co_return counts;
}

Value describe_storage(const CommandContext& context) {
  const auto counts = context.at->shared.database->counts();
  Value storage;
  storage.set("backend", context.config->storage.backend);
  storage.set("batches", counts.batches);
  storage.set("failed", counts.failed);
  storage.set("unreadable", counts.corrupt);
  storage.set("disk full", counts.disk_full);
  return storage;
}

Value describe_hosts(const Config& config) {
  Value::List hosts;
  for (const HostConfig& host : config.hosts) hosts.emplace_back(host.domain);
  return hosts;
}

Value describe_listeners(const Server& server) {
  Value::List listeners;
  for (const Server::Listening& listening : server.listeners()) {
    Value row;
    row.set("kind", listening.config.kind);
    row.set("address", listening.listener->address().to_string());
    row.set("accepted", listening.listener->accepted());
    row.set("refused", listening.listener->refused());
    listeners.push_back(std::move(row));
  }
  return listeners;
}

Task<Result<Value>> status(const CommandContext& context, const CommandArgs&) {
  Counts all;
  for (const auto& there : context.at->shared.contexts) {
    const std::function<Task<Counts>()> gather = [&there] { return counts_here(*there); };
    const Counts counts = co_await run_on<Counts>(context.at->shard, there->shard, gather);
    all.connections += counts.connections;
    all.sessions += counts.sessions;
    all.users += counts.users;
  }
  const auto up = context.at->shard.clock().now() - context.at->shared.started;
  Value result;
  result.set("version", kBalconyVersion);
  result.set("configuration", context.config->file.empty() ? "defaults" : context.config->file);
  result.set("up seconds", std::chrono::duration_cast<std::chrono::seconds>(up).count());
  result.set("hosts", describe_hosts(*context.config));
  result.set("shards", context.at->shared.contexts.size());
  result.set("connections", all.connections);
  result.set("sessions", all.sessions);
  result.set("users loaded", all.users);
  result.set("storage", describe_storage(context));
  result.set("listeners", describe_listeners(*context.server));
  co_return result;
}

}  // namespace

Task<std::int64_t> end_sessions(const CommandContext& context, Jid jid, StreamError why) {
  const auto& contexts = context.at->shared.contexts;
  ShardContext& home = *contexts[router::home_shard(jid.bare_str(), contexts.size())];
  const std::function<Task<std::int64_t>()> work = [&home, jid, why] {
    return end_here(home, jid, why);
  };
  co_return co_await run_on<std::int64_t>(context.at->shard, home.shard, work);
}

std::vector<CommandSpec> session_commands() {
  return {
      {"session list",
       "Lists who is logged in.",
       {},
       "sessions: {sessions}",
       {"session list", "--json session list"},
       Role::kObserver,
       Needs::kServer,
       list_sessions},
      {"session kick",
       "Ends one session, or all of an account.",
       {{"jid", ArgType::kJid, "A full address, or that of the account."}},
       "sessions of {jid} ended: {ended}",
       {"session kick juliet@example.org/phone", "session kick juliet@example.org"},
       Role::kOperator,
       Needs::kServer,
       kick},
      {"status",
       "Tells how the server is.",
       {},
       "",
       {"status", "--json status"},
       Role::kObserver,
       Needs::kServer,
       status},
  };
}

}  // namespace balcony::server
