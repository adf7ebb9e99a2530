// component list, show and add.
#include "server/commands.h"
#include "server/component_session.h"
#include "server/hop.h"

#include "base/random.h"
#include "stanza/datetime.h"

#include <algorithm>
#include <array>

namespace balcony::server {
namespace {

constexpr std::string_view kBiboumi = "biboumi";
constexpr std::string_view kSlidge = "slidge";
constexpr std::string_view kGeneric = "generic";

// What slidge does with XEP-0356: contacts into the roster, messages that were sent elsewhere,
// bookmarks and upload slots.
constexpr std::array kSlidgePrivileges = {
    R"(roster = "both")",
    R"(message = "outgoing")",
    R"(iq = [)",
    R"(  { namespace = "http://jabber.org/protocol/pubsub", type = "both" },)",
    R"(  { namespace = "http://jabber.org/protocol/pubsub#owner", type = "set" },)",
    R"(  { namespace = "urn:xmpp:http:upload:0", type = "get" },)",
    R"(])",
};

struct Stream {
  std::string domain;
  router::Endpoint::Info info;
};
using Streams = std::vector<Stream>;

Task<Streams> streams_here(ShardContext& here) {
  Streams all;
  for (const ComponentSession* session : here.components) {
    if (session->is_accepted()) all.push_back({session->domain(), session->info()});
  }
  co_return all;
}

Task<Streams> all_streams(ShardContext& at) {
  Streams all;
  for (const auto& there : at.shared.contexts) {
    const std::function<Task<Streams>()> gather = [&there] { return streams_here(*there); };
    Streams found = co_await run_on<Streams>(at.shard, there->shard, gather);
    std::ranges::move(found, std::back_inserter(all));
  }
  co_return all;
}

Task<Result<Value>> list_components(const CommandContext& context, const CommandArgs&) {
  const Streams streams = co_await all_streams(*context.at);
  std::int64_t connected = 0;
  for (const ComponentConfig& component : context.config->components) {
    std::int64_t count = 0;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const Stream& stream : streams) {
      if (stream.domain != component.domain) continue;
      ++count;
      in += stream.info.stanzas_in;
      out += stream.info.stanzas_out;
    }
    Value row;
    row.set("domain", component.domain);
    row.set("state", count > 0 ? "connected" : "not connected");
    row.set("connections", count);
    row.set("at most", component.connections);
    row.set("in", in);
    row.set("out", out);
    connected += count > 0 ? 1 : 0;
    co_await context.row(std::move(row));
  }
  Value result;
  result.set("components", context.config->components.size());
  result.set("connected", connected);
  co_return result;
}

Task<Result<Value>> show_component(const CommandContext& context, const CommandArgs& args) {
  const std::string domain(args.jid("domain").domain());
  const auto& components = context.config->components;
  if (std::ranges::find(components, domain, &ComponentConfig::domain) == components.end()) {
    co_return fail(Errc::kItemNotFound, domain + " is no component of the configuration");
  }
  const Streams streams = co_await all_streams(*context.at);
  std::int64_t count = 0;
  for (const Stream& stream : streams) {
    if (stream.domain != domain) continue;
    Value row;
    row.set("address", stream.info.address);
    row.set("since", format_datetime(stream.info.since));
    row.set("in", stream.info.stanzas_in);
    row.set("out", stream.info.stanzas_out);
    row.set("stream", stream.info.stream_id);
    ++count;
    co_await context.row(std::move(row));
  }
  Value result;
  result.set("domain", domain);
  result.set("connections", count);
  co_return result;
}

// ---- add

// The host whose subdomain it is, else the first.
std::string host_of(const Config& config, const std::string& domain) {
  for (const HostConfig& host : config.hosts) {
    if (domain.ends_with('.' + host.domain)) return host.domain;
  }
  return config.hosts.front().domain;
}

ListenConfig listener_of(const Config& config) {
  const auto found = std::ranges::find(config.listen, kComponentListener, &ListenConfig::kind);
  return found == config.listen.end() ? component_listener() : *found;
}

std::vector<std::string> our_side(std::string_view kind, const std::string& domain,
                                  const std::string& secret) {
  std::vector<std::string> lines{"[component.\"" + domain + "\"]", "secret = \"" + secret + "\""};
  if (kind != kSlidge) return lines;
  lines.push_back("[component.\"" + domain + "\".privilege]");
  lines.insert(lines.end(), kSlidgePrivileges.begin(), kSlidgePrivileges.end());
  return lines;
}

// What the component's own configuration has to say.
std::vector<std::string> other_side(std::string_view kind, const Config& config,
                                    const std::string& domain, const std::string& secret) {
  const ListenConfig listen = listener_of(config);
  const std::string port = std::to_string(listen.port);
  if (kind == kBiboumi) {
    return {"hostname=" + domain,
            "password=" + secret,
            "xmpp_server_ip=" + listen.address,
            "port=" + port,
            "db_name=/var/lib/biboumi/biboumi.sqlite",
            "realname_customization=true",
            "realname_from_jid=false",
            "log_level=1"};
  }
  if (kind == kSlidge) {
    return {"jid=" + domain, "secret=" + secret, "server=" + listen.address, "port=" + port,
            "user-jid-validator=.*@" + host_of(config, domain)};
  }
  return {"component's name (JID, domain): " + domain, "secret (password): " + secret,
          "server: " + listen.address, "port: " + port, "protocol: jabber:component:accept"};
}

std::string place_of(std::string_view kind) {
  if (kind == kBiboumi) return "/etc/biboumi/biboumi.cfg";
  if (kind == kSlidge) return "/etc/slidge/conf.d/NAME.conf";
  return "the component";
}

Task<Result<Value>> add_component(const CommandContext& context, const CommandArgs& args) {
  const Config& config = *context.config;
  const Jid named = args.jid("domain");
  const std::string domain(named.domain());
  if (named.has_local() || named.is_full()) {
    co_return fail(Errc::kUsage, "a component has a domain, such as irc.example.org");
  }
  if (std::ranges::find(config.hosts, domain, &HostConfig::domain) != config.hosts.end()) {
    co_return fail(Errc::kConflict, domain + " is a host of this server");
  }
  if (std::ranges::find(config.components, domain, &ComponentConfig::domain) !=
      config.components.end()) {
    co_return fail(Errc::kConflict, domain + " is a component already");
  }
  const std::string given = args.text("kind");
  const std::string kind = given.empty() ? std::string(kGeneric) : given;
  const std::string secret = system_random().token(24);
  Value result;
  result.set("domain", domain);
  result.set("secret", secret);
  result.set("file", config.file.empty() ? std::string(kDefaultConfigFile) : config.file);
  result.set("server", Value::texts(our_side(kind, domain, secret)));
  result.set("place", place_of(kind));
  result.set("component", Value::texts(other_side(kind, config, domain, secret)));
  co_return result;
}

}  // namespace

std::vector<CommandSpec> component_commands() {
  return {
      {"component list",
       "Lists the external components of the configuration and whether they are connected.",
       {},
       "components: {components}, connected: {connected}",
       {"component list", "--json component list"},
       Role::kObserver,
       Needs::kServer,
       list_components},
      {"component show",
       "Lists the connections of one component.",
       {{"domain", ArgType::kJid, "Its domain."}},
       "connections of {domain}: {connections}",
       {"component show irc.example.org"},
       Role::kObserver,
       Needs::kServer,
       show_component},
      {"component add",
       "Makes a secret for a new component and prints what to write on both sides; changes "
       "nothing.",
       {{"domain", ArgType::kJid, "Its domain, which is no host of this server."},
        {"kind",
         ArgType::kText,
         "Which program it is.",
         false,
         {std::string(kBiboumi), std::string(kSlidge), std::string(kGeneric)}}},
       "# in {file}, then `balconyctl reload`:\n{server}\n\n# in {place}:\n{component}",
       {"component add irc.example.org biboumi", "component add bot.example.org"},
       Role::kOperator,
       Needs::kConfig,
       add_component},
  };
}

}  // namespace balcony::server
