// Where a stanza goes (RFC 6120 §10, RFC 6121 §8): one Router a shard.
//
// It owns the hosts' module instances on this shard and the users whose home this shard is.
// Sessions enter stanzas with receive(), other shards with arrive(); streams leave through
// Endpoint. This shard's thread only, except where said.
#pragma once

#include "router/asked.h"
#include "router/components.h"
#include "router/host.h"
#include "router/module.h"
#include "router/nested_disco.h"
#include "router/presence_feed.h"
#include "router/privileges.h"
#include "router/remote.h"
#include "router/router_options.h"
#include "router/shard_link.h"
#include "router/user_table.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::router {

// What the router needs of the world.
struct RouterDeps {
  Loop& loop;
  storage::Store& store;
  Random& random;
  Accounts& accounts;
  ShardLink& shards;
  std::size_t shard;  // this one's number
  Instant started;
};

// A host as the configuration describes it: its domain and its modules with their options.
struct HostSetup {
  Jid domain;
  struct Module {
    const ModuleSpec* spec;
    std::shared_ptr<const void> options;
  };
  std::vector<Module> modules;
};

// What went through a router since its start.
struct RouterCounts {
  std::uint64_t received = 0;  // stanzas of clients, components and other servers
  // Stanzas to clients, also to those who have to come back for them, and to components.
  std::uint64_t delivered = 0;
};

class Router {
 public:
  Router(const RouterDeps& deps, const RouterOptions& options);
  ~Router();

  // Sets up or replaces the hosts (start and reload). Users, sessions and their slots stay; users
  // of a host that is gone are dropped after their sessions were closed with <host-gone/>.
  void set_hosts(const std::vector<HostSetup>& hosts);
  void set_options(const RouterOptions& options) { options_ = options; }
  Host* host(std::string_view domain) const;

  // ---- sessions ----

  // Binds a resource for an authenticated account (RFC 6120 §7). `wanted` empty: one is made. A
  // resource that is taken: the older session ends with <conflict/> (§7.7.2.2), the new one has it.
  // Errors: kResourceConstraint (too many sessions, §7.6.2.1), kBadRequest (no valid resource),
  // kServiceUnavailable (the account is gone), storage errors.
  Task<Result<ConnectedResource*>> bind(Jid account, std::string wanted, Endpoint& endpoint);

  // The session is over; `resource` is freed. Unavailable presence is sent for it (RFC 6121
  // §4.5.2).
  void unbind(ConnectedResource& resource);
  // Ends a session from this side: closes its stream with `error` and frees `resource`.
  void end_session(ConnectedResource& resource, const StreamError& error);

  // A stanza from a client's stream. Stamps `from`. A task is returned when the stanza waits for
  // something: the session finishes it before it looks at its next stanza; it must keep `resource`.
  [[nodiscard]] std::optional<Task<>> receive(ConnectedResource& resource, Stanza&& stanza);

  // Removing an account, in two steps; what is stored is the caller's to erase between them. On the
  // home shard. The first tells the modules; from then on what comes for the user waits. Null when
  // he is not loaded: there is nothing to be done then, and no second step.
  std::shared_ptr<User> begin_removal(const Jid& bare);
  // `outcome` of the erasing. Success: his sessions end with <not-authorized/> (XEP-0077 §3.2) and
  // he is forgotten; who waited hears that there is no such account. Else he is loaded again.
  void finish_removal(User& user, const Result<>& outcome);
  // Both, for an account of which nothing is stored.
  void remove_account(const Jid& bare);

  // ---- components (XEP-0114)

  // Start and reload, after set_hosts(); on every shard.
  void set_components(const std::vector<ComponentSetup>& setups);
  const ComponentTable& components() const { return components_; }
  // A stream of the component begins and ends; on the domain's home shard. False: the domain is no
  // component's any more.
  bool component_began(std::string_view domain, Endpoint& stream);
  void component_ended(std::string_view domain, const Endpoint& stream);
  // A stanza from the stream of a component or another server, which has seen to it that `from` is
  // the peer's and `to` is ours. A task is returned as by receive().
  [[nodiscard]] std::optional<Task<>> receive_foreign(Stanza stanza);
  // The same from a component; on its domain's home shard.
  [[nodiscard]] std::optional<Task<>> receive_component(Stanza stanza);

  // ---- components that may do more than others (XEP-0355, XEP-0356)

  const TrustTable& trust() const { return trust_; }
  const NestedDisco& nested_disco() const { return nested_; }
  AskedTable& asked() { return asked_; }
  // On any shard; see Server::feed_presence().
  void feed_presence(const Jid& component, Stanza presence);

  // ---- other servers (RFC 6120 §10.4)

  // The routes to remote domains whose home is this shard.
  RemoteTable& remotes() { return remotes_; }
  // Whether stanzas for this domain stay here: it is a host's or a component's.
  bool serves(std::string_view domain) const { return host(domain) || components_.has(domain); }

  // The answer to an iq of a stream that is not authenticated yet. `address`: the peer's.
  Task<xml::Element> stranger(std::string domain, xml::Element iq, std::string address);

  // ---- routing ----

  // Sends a stanza with `to` and `from` to where it belongs. Stanzas pass from here on by
  // reference: moving one costs as much as a step of its way.
  void route(Stanza&& stanza);
  // A stanza that another shard handed over: its entity's home is here.
  void arrive(Stanza&& stanza);
  // Answers the sender of `stanza` with an error, if it may be answered.
  [[gnu::cold]] void bounce(const Stanza& stanza, const Error& error);

  // ---- for modules and operators ----
  UserTable& users() { return users_; }
  const RouterDeps& deps() const { return deps_; }
  const RouterOptions& options() const { return options_; }
  const RouterCounts& counts() const { return counts_; }
  bool is_home(const Jid& jid) const;
  // Runs a task on its own; until it ends it counts as running().
  void spawn(Task<> task);
  // Tasks that run on their own: requests, users being loaded, deliveries. What a stanza has begun
  // here is over when this is 0; a server that stops waits for it.
  std::size_t running() const { return running_; }
  // Runs `job` on the home shard of `bare`, at once if that is this one.
  void at_home(const Jid& bare, std::move_only_function<void(Router&)> job);
  // The same for many, with one message a shard. `job` is copied to each of them.
  void at_homes(const std::vector<Jid>& bares, const std::function<void(Router&, const Jid&)>& job);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  void end_oldest_detached(User& user);
  std::optional<Task<>> receive_iq(ConnectedResource& sender, Stanza&& stanza);
  Task<> wait_for_storage(storage::Ticket ticket);
  void receive_presence(ConnectedResource& sender, Stanza&& stanza);
  void route_from_client(ConnectedResource& sender, Stanza&& stanza);
  std::optional<Task<>> request(Host& host, std::shared_ptr<User> user, ConnectedResource* session,
                                Stanza stanza);
  Task<> request_task(std::shared_ptr<const HostGeneration> generation,
                      const IqTaskHandler& handler, std::shared_ptr<User> user,
                      ConnectedResource* session, Stanza stanza);
  static Task<> finish(Task<> begun);
  static Task<> counted(std::size_t& running, Task<> task);
  static bool may_ask(const User& user, const Jid& from, Access access);
  void drop_users_of(const Host& host);
  // Presence that cannot matter to its recipient, because he is offline.
  bool is_pointless(const Stanza& stanza) const;
  std::optional<Task<>> wait_when_busy();
  void tell_connected(std::string_view domain, bool connected);
  void set_connected(std::string_view domain, bool connected);
  void to_component(Stanza&& stanza);
  bool is_forged(Stanza& stanza);

  // router_trust.cc
  void announce(Endpoint& stream, std::string_view domain);
  void announce_changes(std::string_view domain, const TrustTable& before);
  void send_news(Endpoint& stream, const Jid& host, const Jid& component, xml::Element news);
  void keep_feeds(const std::vector<ComponentSetup>& setups, const TrustTable& before);
  void gather_presence(std::string_view domain);
  void take_presence(const Jid& component, Stanza presence);
  Task<> hand_presence(std::string domain, const Endpoint* stream);
  bool may_use_roster(const User& user, const Stanza& stanza) const;
  // router_delegation.cc
  bool delegate(const Host& host, const User* user, Stanza& stanza);
  const TrustedComponent* delegate_of(const Host& host, const User* user,
                                      const Stanza& stanza) const;
  void forward(const Jid& component, const Jid& host, Stanza stanza);
  void finish_delegated(const Stanza& request, Result<Stanza> answer);
  void ask_nested(const TrustedComponent& component, std::string_view host);
  void tell_nested(const std::string& host, const std::string& ns, bool account,
                   xml::ElementView info);
  void to_remote(Stanza&& stanza);
  void to_host(Host& host, Stanza&& stanza);
  void to_user(const std::shared_ptr<User>& user, Stanza&& stanza);
  void to_nobody(const Stanza& stanza, const Error& error);
  void answer(const Stanza& request, IqReply reply);
  void send_answer(xml::Element reply);

  RouterDeps deps_;
  RouterOptions options_;
  std::unordered_map<std::string, std::unique_ptr<Host>, Hash, std::equal_to<>> hosts_;
  RouterCounts counts_;  // before the users: their sessions count here
  UserTable users_;
  ComponentTable components_;
  TrustTable trust_;
  AskedTable asked_;
  std::map<std::string, PresenceFeed, std::less<>> feeds_;  // of components whose home this is
  NestedDisco nested_;
  bool has_components_ = false;  // set_components() was called
  RemoteTable remotes_;
  std::size_t running_ = 0;
};

}  // namespace balcony::router
