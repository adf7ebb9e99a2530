// What a module is made of. A module is one feature: one declaration in one file under src/modules/
// (docs/adding-a-feature.md walks through one).
//
//   void attach(Registrar& on, Server& server, const PingOptions& options) {
//     on.feature(ns::kPing);
//     on.iq_get({ns::kPing, "ping"}, Target::kServerAndAccount, Access::kAnyone,
//               [](const IqRequest&) -> IqReply { return xml::Element{}; });
//   }
//   const ModuleSpec xep_0199_ping = module<PingOptions>(
//       "ping", {{"XEP-0199", "2.0.1"}}, "Answers pings.", {options…}, attach);
//
// attach() runs once for each host and shard, and again after a reload: it declares and never
// undoes. Handlers run on the shard of the entity that they are about; no locks. State of a user or
// session lives in a slot (slots.h).
#pragma once

#include "base/clock.h"
#include "base/loop.h"
#include "base/options.h"
#include "base/random.h"
#include "router/accounts.h"
#include "router/event_table.h"
#include "router/events.h"
#include "router/iq.h"
#include "router/nested_disco.h"
#include "router/privileges.h"
#include "router/router_options.h"
#include "router/slots.h"
#include "router/user.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

// What a module may use of the server. One for each host and shard; lives as long as the module's
// handlers.
class Server {
 public:
  virtual ~Server() = default;

  // The domain of the host.
  virtual const Jid& host() const = 0;
  virtual storage::Store& store() = 0;
  virtual Loop& loop() = 0;
  virtual Random& random() = 0;
  virtual Accounts& accounts() = 0;
  const Clock& clock() { return loop().clock(); }
  // When the process started. For XEP-0012.
  virtual Instant started() const = 0;

  // Sends a stanza on its way: `to` and `from` must be set. Local or remote, this shard or another.
  // An error that it meets goes back to `from` by the rules of RFC 6120 §8.3.
  virtual void route(Stanza stanza) = 0;

  // Answers the sender of `stanza` with an error, if it may be answered (RFC 6120 §8.3.1).
  virtual void bounce(const Stanza& stanza, const Error& error) = 0;

  // Commits a batch that changes what is cached of `user`; the caller has changed the cache already
  // (effects at once, answers after commit). When it fails, the user is reloaded from storage.
  virtual storage::Ticket commit(User& user, storage::Batch batch) = 0;
  // Runs `then` after the commit: pushes and other news that must not come before it (not run if it
  // fails).
  virtual void after_commit(storage::Ticket ticket, std::function<void()> then) = 0;

  // Runs a task on its own; `user`, if not null, is kept from being unloaded until it ends.
  virtual void spawn(std::shared_ptr<User> user, Task<> task) = 0;

  // The user of this bare JID on this shard, if he is loaded; else null.
  virtual std::shared_ptr<User> loaded_user(const Jid& bare) = 0;
  // Calls `then` on the home shard of `bare` with the user loaded, or with null when there is no
  // such account or he cannot be loaded. From any shard of the same server.
  virtual void with_user(const Jid& bare, std::function<void(std::shared_ptr<User>)> then) = 0;

  // Calls `f` for each of these accounts (bare JIDs; those of other servers are left out) on its
  // home shard, with the Server of its host there; one message a shard. `f` is copied: it holds
  // values and what is constant.
  virtual void at_homes(const std::vector<Jid>& bares,
                        std::function<void(Server&, const Jid&)> f) = 0;
  // Whether this shard is the home of the bare JID.
  virtual bool is_home(const Jid& bare) const = 0;

  // What a module keeps of the host on this shard; a reload forgets nothing.
  virtual Slots& slots() = 0;

  // Whether this domain is one of this server's hosts.
  virtual bool is_local(std::string_view domain) const = 0;

  // Whether `jid` is an account of this server that has no session for sure, as far as this shard
  // can tell without asking another. For presence: to somebody offline it need not be sent.
  virtual bool is_offline_here(const Jid& jid) const = 0;

  // The external components (XEP-0114) that are connected and belong into this host's list: those
  // below its domain, and those that are below no host's.
  virtual std::vector<std::string> components() const = 0;

  // The components that may do more than others with this host's users, or answer in its place.
  virtual const TrustTable::Components& trusted() const = 0;
  // Tells a component of somebody's presence (XEP-0356 §7), if it does not know it. From any shard.
  virtual void feed_presence(const Jid& component, Stanza presence) = 0;
  // What its namespaces' new owners say about them, for disco#info of the host or of accounts; with
  // an entry for each that is delegated (XEP-0355 §7.2).
  virtual std::vector<NestedDisco::Found> nested_disco(bool account) const = 0;

  // Sends a request with `to` and `from` (this host, or the bare JID of a user whose home is here)
  // and gives its answer to `then`, once. `domain`: on whose behalf, for limits. Errors:
  // kResourceConstraint, kRemoteServerTimeout; nothing when the host goes first.
  virtual void ask(Stanza request, std::string_view domain, std::chrono::milliseconds within,
                   std::function<void(Result<Stanza>)> then) = 0;

  // As with_user(), with what `then` may use of the server on that shard. When the host is gone
  // there, `then` is not called.
  virtual void at_user(const Jid& bare,
                       std::function<void(Server&, std::shared_ptr<User>)> then) = 0;

  virtual const RouterOptions& limits() const = 0;

  virtual const EventTable& events() const = 0;
  // Features declared with feature() for the host and for accounts, sorted (XEP-0030).
  virtual const std::vector<std::string>& server_features() const = 0;
  virtual const std::vector<std::string>& account_features() const = 0;
};

// Registers what a module does. Owns every registration; there is nothing to undo.
class Registrar {
 public:
  virtual ~Registrar() = default;

  // A feature that disco#info of the host, or of accounts, lists (XEP-0030 §3.1).
  virtual void feature(std::string_view ns) = 0;
  virtual void account_feature(std::string_view ns) = 0;

  void iq_get(QName name, Target target, Access access, IqHandler handler) {
    iq(false, name, {target, access, std::move(handler)});
  }
  void iq_set(QName name, Target target, Access access, IqHandler handler) {
    iq(true, name, {target, access, std::move(handler)});
  }
  void iq_get_task(QName name, Target target, Access access, IqTaskHandler handler) {
    iq(false, name, {target, access, std::move(handler)});
  }
  void iq_set_task(QName name, Target target, Access access, IqTaskHandler handler) {
    iq(true, name, {target, access, std::move(handler)});
  }

  // A request, get or set, from a stream that is not authenticated yet (XEP-0077 §3.1):
  // `request.user` and `session` are null, `from` is the host. Nobody else can reach the handler.
  virtual void iq_stranger(QName name, IqTaskHandler handler) = 0;

  template <class Event>
  void on(std::type_identity_t<EventTable::Handler<Event>> handler) {
    events().template add<Event>(Priority::kNormal, std::move(handler));
  }
  template <class Event>
  void on(Priority priority, std::type_identity_t<EventTable::Handler<Event>> handler) {
    events().template add<Event>(priority, std::move(handler));
  }
  // For an event about a stanza: only where it is of this kind. Others then do not cost a call.
  template <StanzaEvent Event>
  void on(StanzaKind only, Priority priority,
          std::type_identity_t<EventTable::Handler<Event>> handler) {
    events().template add<Event>(priority, std::move(handler), only);
  }

  // Loads what the module keeps of a user into his slots, before anything is delivered to him.
  using UserLoader = std::function<Task<Result<>>(std::shared_ptr<User>)>;
  virtual void on_load_user(UserLoader loader) = 0;

 protected:
  virtual void iq(bool is_set, QName name, IqTable::Entry entry) = 0;
  virtual EventTable& events() = 0;
};

// A specification that a module implements, with the version that was read.
struct Spec {
  std::string name;     // "XEP-0199", "RFC 6121"
  std::string version;  // "2.0.1"; empty for an RFC
};

struct ModuleSpec {
  std::string name;
  std::vector<Spec> specs;
  std::string summary;  // one sentence
  OptionTable options;
  bool on_by_default = true;
  std::function<void(Registrar&, Server&, std::shared_ptr<const void> options)> attach;
};

struct NoOptions {};

// `options` reach attach() by reference; they live as long as the handlers (an immutable
// generation: a reload makes new ones).
template <class Options>
ModuleSpec module(std::string name, std::vector<Spec> specs, std::string summary,
                  std::vector<OptionSpec> options,
                  void (*attach)(Registrar&, Server&, const Options&)) {
  ModuleSpec spec;
  spec.name = std::move(name);
  spec.specs = std::move(specs);
  spec.summary = std::move(summary);
  spec.options = option_table<Options>(std::move(options));
  spec.attach = [attach](Registrar& on, Server& server, std::shared_ptr<const void> given) {
    attach(on, server, *static_cast<const Options*>(given.get()));
  };
  return spec;
}

// The same for a module that is off unless the configuration switches it on.
inline ModuleSpec off_by_default(ModuleSpec spec) {
  spec.on_by_default = false;
  return spec;
}

}  // namespace balcony::router
