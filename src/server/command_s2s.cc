// s2s list, show and close.
#include "server/commands.h"
#include "server/hop.h"
#include "server/s2s/federation.h"
#include "server/s2s/peer_stream.h"

#include "stanza/datetime.h"

#include <algorithm>

namespace balcony::server {
namespace {

struct RouteDescription {
  router::DomainPair pair;
  std::string state;
  std::size_t waiting = 0;
  std::size_t waiting_bytes = 0;
  std::uint64_t sent = 0;
  std::string failure;
  std::int64_t retry_seconds = 0;
};

// Of one shard, or all; of one remote domain, or all where it is empty.
struct Found {
  std::vector<s2s::StreamDescription> streams;
  std::vector<RouteDescription> routes;
};

RouteDescription describe(const router::DomainPair& pair, const router::RemoteTable::Route& route,
                          Instant now) {
  RouteDescription one;
  one.pair = pair;
  one.state = route.stream ? "open" : route.dialing ? "connecting" : "closed";
  one.waiting = route.waiting.size();
  one.waiting_bytes = route.waiting_bytes;
  one.sent = route.sent;
  if (!route.failure) return one;
  one.failure = route.failure->to_string();
  if (route.retry_at > now && !route.dialing) {
    one.state = "resting";
    one.retry_seconds = std::chrono::ceil<std::chrono::seconds>(route.retry_at - now).count();
  }
  return one;
}

Task<Found> find_here(ShardContext& here, std::string remote) {
  Found found;
  for (const s2s::PeerStream* stream : here.federation->streams) {
    if (remote.empty() || stream->has_remote(remote)) found.streams.push_back(stream->describe());
  }
  const Instant now = here.shard.clock().now();
  here.router->remotes().for_each([&](const auto& pair, const auto& route) {
    if (!remote.empty() && pair.remote != remote) return;
    found.routes.push_back(describe(pair, route, now));
  });
  co_return found;
}

Task<Found> find_all(ShardContext& at, std::string remote) {
  Found all;
  for (const auto& there : at.shared.contexts) {
    const std::function<Task<Found>()> gather = [&there, &remote] {
      return find_here(*there, remote);
    };
    Found found = co_await run_on<Found>(at.shard, there->shard, gather);
    std::ranges::move(found.streams, std::back_inserter(all.streams));
    std::ranges::move(found.routes, std::back_inserter(all.routes));
  }
  std::ranges::sort(all.routes, {}, &RouteDescription::pair);
  std::ranges::sort(all.streams, {}, &s2s::StreamDescription::remote);
  co_return all;
}

std::string state_of(const s2s::StreamDescription& stream) {
  if (stream.verifies_only) return "verifying";
  return stream.is_ready ? "ready" : "negotiating";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

// A row has the same columns for both, as a table wants it.
Value short_row(const s2s::StreamDescription& stream) {
  Value row;
  row.set("domain", stream.remote);
  row.set("direction", stream.is_outgoing ? "out" : "in");
  row.set("state", state_of(stream));
  row.set("waiting", stream.unacknowledged);
  row.set("in", stream.info.stanzas_in);
  row.set("out", stream.info.stanzas_out);
  row.set("tls", stream.info.tls);
  row.set("address", stream.info.address);
  row.set("failure", "");
  return row;
}

Value short_row(const RouteDescription& route) {
  Value row;
  row.set("domain", route.pair.remote);
  row.set("direction", "route");
  row.set("state", route.state);
  row.set("waiting", route.waiting);
  row.set("in", 0);
  row.set("out", route.sent);
  row.set("tls", "");
  row.set("address", "");
  row.set("failure", route.failure);
  return row;
}

Value long_row(const s2s::StreamDescription& stream) {
  Value row = short_row(stream);
  row.set("bytes", 0);
  row.set("retry s", 0);
  row.set("sends", joined(stream.sends));
  row.set("receives", joined(stream.receives));
  row.set("both ways", stream.is_bidirectional);
  row.set("managed", stream.is_managed);
  row.set("since", format_datetime(stream.info.since));
  row.set("stream", stream.info.stream_id);
  return row;
}

Value long_row(const RouteDescription& route) {
  Value row = short_row(route);
  row.set("bytes", route.waiting_bytes);
  row.set("retry s", route.retry_seconds);
  row.set("sends", route.pair.local + " -> " + route.pair.remote);
  row.set("receives", "");
  row.set("both ways", false);
  row.set("managed", false);
  row.set("since", "");
  row.set("stream", "");
  return row;
}

Task<Result<Value>> list_servers(const CommandContext& context, const CommandArgs&) {
  const Found found = co_await find_all(*context.at, "");
  std::size_t waiting = 0;
  for (const auto& stream : found.streams) co_await context.row(short_row(stream));
  for (const RouteDescription& route : found.routes) {
    waiting += route.waiting;
    // One that is open is its stream's line.
    if (route.state != "open") co_await context.row(short_row(route));
  }
  Value result;
  result.set("streams", found.streams.size());
  result.set("waiting", waiting);
  co_return result;
}

Task<Result<Value>> show_server(const CommandContext& context, const CommandArgs& args) {
  const std::string domain(args.jid("domain").domain());
  const Found found = co_await find_all(*context.at, domain);
  if (found.streams.empty() && found.routes.empty()) {
    co_return fail(Errc::kItemNotFound, "nothing is known of " + domain);
  }
  for (const auto& stream : found.streams) co_await context.row(long_row(stream));
  for (const RouteDescription& route : found.routes) co_await context.row(long_row(route));
  Value result;
  result.set("domain", domain);
  result.set("streams", found.streams.size());
  co_return result;
}

Task<std::size_t> close_here(ShardContext& here, std::string remote) {
  std::vector<s2s::PeerStream*> wanted;
  for (s2s::PeerStream* stream : here.federation->streams) {
    if (stream->has_remote(remote)) wanted.push_back(stream);
  }
  for (s2s::PeerStream* stream : wanted) stream->end_politely();
  co_return wanted.size();
}

Task<Result<Value>> close_server(const CommandContext& context, const CommandArgs& args) {
  const std::string domain(args.jid("domain").domain());
  std::size_t closed = 0;
  for (const auto& there : context.at->shared.contexts) {
    const std::function<Task<std::size_t>()> close = [&there, &domain] {
      return close_here(*there, domain);
    };
    closed += co_await run_on<std::size_t>(context.at->shard, there->shard, close);
  }
  if (closed == 0) co_return fail(Errc::kItemNotFound, "there is no stream with " + domain);
  Value result;
  result.set("domain", domain);
  result.set("closed", closed);
  co_return result;
}

}  // namespace

std::vector<CommandSpec> s2s_commands() {
  return {
      {"s2s list",
       "Lists the streams with other servers, and what waits for a stream.",
       {},
       "streams: {streams}, stanzas waiting: {waiting}",
       {"s2s list", "--json s2s list"},
       Role::kObserver,
       Needs::kServer,
       list_servers},
      {"s2s show",
       "Shows all about one other server: its streams, how it proved itself, queues, failures.",
       {{"domain", ArgType::kJid, "Its domain."}},
       "streams with {domain}: {streams}",
       {"s2s show example.net"},
       Role::kObserver,
       Needs::kServer,
       show_server},
      {"s2s close",
       "Closes the streams with one other server; the next stanza opens a new one.",
       {{"domain", ArgType::kJid, "Its domain."}},
       "closed streams with {domain}: {closed}",
       {"s2s close example.net"},
       Role::kOperator,
       Needs::kServer,
       close_server},
  };
}

}  // namespace balcony::server
