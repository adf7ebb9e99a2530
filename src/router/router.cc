#include "router/router.h"

#include "base/log.h"
#include "base/prefetch.h"
#include "router/delivery.h"
#include "stanza/stanza_error.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace balcony::router {

Router::Router(const RouterDeps& deps, const RouterOptions& options)
    : deps_(deps),
      options_(options),
      users_(*this),
      asked_(deps.loop, deps.random),
      remotes_(*this) {}

Router::~Router() = default;

void Router::set_hosts(const std::vector<HostSetup>& setups) {
  for (const HostSetup& setup : setups) {
    auto& host = hosts_[setup.domain.str()];
    if (!host) host = std::make_unique<Host>(*this, setup.domain);
    host->set_up(setup);
  }
  std::erase_if(hosts_, [this, &setups](const auto& entry) {
    const bool stays = std::ranges::any_of(
        setups, [&entry](const HostSetup& s) { return s.domain.str() == entry.first; });
    if (!stays) drop_users_of(*entry.second);
    return !stays;
  });
}

void Router::drop_users_of(const Host& host) {
  users_.for_each([this, &host](User& user) {
    if (user.host != &host) return;
    while (!user.resources.empty()) {
      end_session(*user.resources.back(), {StreamCondition::kHostGone, ""});
    }
    users_.forget(user.bare.str());
  });
}

Host* Router::host(std::string_view domain) const {
  const auto found = hosts_.find(domain);
  return found == hosts_.end() ? nullptr : found->second.get();
}

bool Router::is_home(const Jid& jid) const {
  return home_shard(jid.bare_str(), deps_.shards.count()) == deps_.shard;
}

void Router::at_home(const Jid& bare, std::move_only_function<void(Router&)> job) {
  const std::size_t home = home_shard(bare.bare_str(), deps_.shards.count());
  if (home == deps_.shard) return job(*this);
  deps_.shards.post(home, std::move(job));
}

void Router::at_homes(const std::vector<Jid>& bares,
                      const std::function<void(Router&, const Jid&)>& job) {
  std::vector<std::vector<Jid>> by_shard(deps_.shards.count());
  for (const Jid& bare : bares) {
    by_shard[home_shard(bare.bare_str(), by_shard.size())].push_back(bare);
  }
  const auto run = [job](Router& there, const std::vector<Jid>& all) {
    for (const Jid& bare : all) job(there, bare);
  };
  for (std::size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    if (i == deps_.shard) {
      run(*this, by_shard[i]);
    } else {
      deps_.shards.post(i, [run, all = std::move(by_shard[i])](Router& there) { run(there, all); });
    }
  }
}

void Router::spawn(Task<> task) {
  balcony::spawn(counted(running_, std::move(task)));
}

Task<> Router::counted(std::size_t& running, Task<> task) {
  ++running;
  co_await std::move(task);
  --running;
}

// ---- sessions ----

Task<Result<ConnectedResource*>> Router::bind(Jid account, std::string wanted, Endpoint& endpoint) {
  BALCONY_CO_ASSIGN(const std::shared_ptr<User> user, co_await users_.get(account));
  // RFC 6120 §7.6: the server makes the resourcepart.
  if (wanted.empty()) wanted = deps_.random.token(9);
  auto full = user->bare.with_resource(wanted);
  if (!full) co_return fail(Errc::kBadRequest, full.error().to_string());
  if (ConnectedResource* older = user->find(full->resource())) {
    // RFC 6120 §7.7.2.2, first of the three ways: the older session ends, the newer has the
    // resource.
    end_session(*older, {StreamCondition::kConflict, "another session took this resource"});
  }
  if (user->resources.size() >= options_.resources_max) end_oldest_detached(*user);
  if (user->resources.size() >= options_.resources_max) {
    co_return fail(Errc::kResourceConstraint, "this account has too many sessions");
  }
  const EndpointLink link(endpoint, counts_.delivered);
  user->resources.push_back(std::make_unique<ConnectedResource>(*std::move(full), *user, link));
  users_.session_began(*user);
  ConnectedResource& resource = *user->resources.back();
  user->host->fire(SessionBound{resource});
  co_return &resource;
}

// Who has as many sessions as he may have gives up one that waits for a client who went away.
void Router::end_oldest_detached(User& user) {
  const auto oldest = std::ranges::find_if(
      user.resources, [](const auto& resource) { return !resource->endpoint->is_connected(); });
  if (oldest == user.resources.end()) return;
  end_session(**oldest, {StreamCondition::kResourceConstraint, ""});
}

void Router::unbind(ConnectedResource& resource) {
  User& user = *resource.user;
  user.host->fire(SessionEnding{resource});
  const auto at =
      std::ranges::find(user.resources, &resource, [](const auto& owned) { return owned.get(); });
  if (at == user.resources.end()) return;
  // A handler further up the stack may still hold the resource: it goes at the end of the turn.
  deps_.loop.post([gone = std::move(*at)] {});
  user.resources.erase(at);
  users_.session_ended(user);
}

void Router::end_session(ConnectedResource& resource, const StreamError& error) {
  resource.endpoint->close(error);
  unbind(resource);
}

std::shared_ptr<User> Router::begin_removal(const Jid& bare) {
  auto user = users_.loaded(bare.bare_str());
  if (!user) return nullptr;
  user->host->fire(AccountRemoving{*user});
  users_.hold(*user);
  return user;
}

void Router::finish_removal(User& user, const Result<>& outcome) {
  if (!outcome) return users_.reload(user);
  while (!user.resources.empty()) {
    // XEP-0077 §3.2: sessions of an account that is gone end with <not-authorized/>.
    end_session(*user.resources.back(),
                {StreamCondition::kNotAuthorized, "the account was removed"});
  }
  users_.drop(user);
}

void Router::remove_account(const Jid& bare) {
  if (const auto user = begin_removal(bare)) finish_removal(*user, {});
}

std::optional<Task<>> Router::receive(ConnectedResource& sender, Stanza&& stanza) {
  ++counts_.received;
  // RFC 6120 §8.1.2.1: the server stamps the full JID, whatever the client wrote.
  stanza.set_from(sender.jid);
  switch (stanza.kind()) {
    case StanzaKind::kIq: return receive_iq(sender, std::move(stanza));
    case StanzaKind::kPresence: receive_presence(sender, std::move(stanza)); break;
    case StanzaKind::kMessage:
      // RFC 6120 §10.3.1: without 'to', to the sender's own bare JID.
      if (!stanza.to()) stanza.set_to(sender.user->bare);
      route_from_client(sender, std::move(stanza));
      break;
  }
  return wait_when_busy();
}

// What is sent may be written in many places: who sends faster than the disk writes is read slower.
std::optional<Task<>> Router::wait_when_busy() {
  const storage::Ticket busy = deps_.store.busy_until();
  if (busy != 0) return wait_for_storage(busy);
  return std::nullopt;
}

Task<> Router::wait_for_storage(storage::Ticket ticket) {
  auto slot = std::make_shared<OneShot<bool>>();
  deps_.store.when(ticket, [weak = std::weak_ptr(slot)](const Result<>&) {
    if (const auto waiting = weak.lock()) waiting->set(true);
  });
  OneShot<bool>& settled = *slot;
  co_await settled;
}

std::optional<Task<>> Router::receive_iq(ConnectedResource& sender, Stanza&& stanza) {
  // RFC 6120 §10.3.3: without 'to', for the sender's own account; the server answers for it.
  const bool own = !stanza.to() || *stanza.to() == sender.user->bare;
  if (own) {
    const auto user = users_.loaded(sender.user->bare.str());
    if (!stanza.is_request()) {
      if (user) user->host->fire(AnswerIncoming{*user, stanza});
      return std::nullopt;
    }
    if (!user) {
      bounce(stanza, Error(Errc::kInternalServerError));
      return std::nullopt;
    }
    return request(*user->host, user, &sender, std::move(stanza));
  }
  Host* addressed = stanza.to()->has_local() ? nullptr : host(stanza.to()->domain());
  if (addressed && stanza.to()->is_bare()) {
    if (!stanza.is_request()) return std::nullopt;
    return request(*addressed, nullptr, &sender, std::move(stanza));
  }
  // Whom it is for answers it: a request that is passed on is settled.
  stanza.set_receipt(nullptr);
  route_from_client(sender, std::move(stanza));
  return std::nullopt;
}

void Router::receive_presence(ConnectedResource& sender, Stanza&& stanza) {
  const bool directed = stanza.to() && (stanza.type() == StanzaType::kAvailable ||
                                        stanza.type() == StanzaType::kUnavailable ||
                                        stanza.type() == StanzaType::kError);
  if (directed) return route_from_client(sender, std::move(stanza));
  sender.user->host->fire(PresenceOutgoing{sender, stanza});
}

void Router::route_from_client(ConnectedResource& sender, Stanza&& stanza) {
  StanzaOutgoing event{sender, stanza, std::nullopt};
  if (sender.user->host->fire(event) == Flow::kStop) {
    if (event.error) bounce(stanza, *event.error);
    return;
  }
  route(std::move(stanza));
}

// ---- routing ----

void Router::route(Stanza&& stanza) {
  const Jid& to = *stanza.to();
  Host* local = host(to.domain());
  if (!local && components_.has(to.domain())) {
    const Jid domain = to.domain_jid();
    return at_home(domain, [stanza = std::move(stanza)](Router& home) mutable {
      home.to_component(std::move(stanza));
    });
  }
  if (!local) return to_remote(std::move(stanza));
  // decision 0010: what is for the host itself is answered where it is.
  if (!to.has_local()) return to_host(*local, std::move(stanza));
  const std::size_t home = home_shard(to.bare_str(), deps_.shards.count());
  if (home == deps_.shard) return arrive(std::move(stanza));
  deps_.shards.post(home, [stanza = std::move(stanza)](Router& router) mutable {
    router.arrive(std::move(stanza));
  });
}

bool Router::is_pointless(const Stanza& stanza) const {
  if (!users_.is_offline(stanza.to()->bare_str())) return false;
  switch (stanza.type()) {
    case StanzaType::kAvailable:
    case StanzaType::kUnavailable:
      // XEP-0356 §7.4: a component may be told though the user is away; of our own users it hears
      // by another way.
      return host(stanza.from()->domain()) || !trust_.watches_contacts(stanza.to()->domain());
    // RFC 6121 §4.3.2: that an account of ours is offline is what our own users start from; a
    // server elsewhere is told.
    case StanzaType::kProbe: return host(stanza.from()->domain()) != nullptr;
    default: return false;
  }
}

void Router::arrive(Stanza&& stanza) {
  if (stanza.is_iq() && asked_.answered(stanza)) return;
  // A login sends presence to all contacts: those who are offline must not be loaded for it.
  if (stanza.is_presence() && is_pointless(stanza)) {
    if (Host* local = host(stanza.to()->domain())) local->fire(PresenceUnheard{stanza});
    return;
  }
  if (const auto user = users_.loaded(stanza.to()->bare_str())) {
    // While others look at the stanza.
    constexpr std::size_t kAhead = 2;
    for (const auto& resource : user->resources | std::views::take(kAhead)) prefetch(*resource);
    return to_user(user, std::move(stanza));
  }
  const Jid bare = stanza.to()->bare();
  users_.with(bare, [this, stanza = std::move(stanza)](UserTable::Loaded user) mutable {
    if (user) {
      to_user(*user, std::move(stanza));
    } else {
      to_nobody(stanza, user.error());
    }
  });
}

void Router::to_host(Host& host, Stanza&& stanza) {
  if (stanza.is_request() && stanza.to()->is_bare()) {
    if (auto task = request(host, nullptr, nullptr, std::move(stanza))) {
      spawn(std::move(*task));
    }
    return;
  }
  if (asked_.answered(stanza)) return;
  // A host has no presence and no inbox (RFC 6120 §10.4.2 leaves both to the server).
  if (!stanza.is_presence()) bounce(stanza, Error(Errc::kServiceUnavailable));
}

void Router::to_user(const std::shared_ptr<User>& user, Stanza&& stanza) {
  Host& host = *user->host;
  StanzaIncoming event{*user, stanza, std::nullopt};
  if (host.fire(event) == Flow::kStop) {
    if (event.error) bounce(stanza, *event.error);
    return;
  }
  switch (stanza.kind()) {
    case StanzaKind::kMessage: deliver_message(*this, *user, stanza); break;
    case StanzaKind::kPresence: deliver_presence(*this, *user, stanza); break;
    case StanzaKind::kIq:
      if (stanza.to()->is_full()) return deliver_iq(*this, *user, stanza);
      // RFC 6121 §8.5.2.1.3: the server answers for the account.
      if (!stanza.is_request()) {
        host.fire(AnswerIncoming{*user, stanza});
        return;
      }
      if (auto task = request(host, user, nullptr, std::move(stanza))) {
        spawn(std::move(*task));
      }
      break;
  }
}

void Router::to_nobody(const Stanza& stanza, const Error& error) {
  if (!stanza.is_presence()) {
    // RFC 6121 §8.5.1: to the letter what an account answers that does not know or does not want
    // the sender, or he would learn which accounts exist.
    const bool unknown = error.code == Errc::kServiceUnavailable;
    return bounce(stanza, unknown ? Error(Errc::kServiceUnavailable) : error);
  }
  if (stanza.type() == StanzaType::kAvailable || stanza.type() == StanzaType::kUnavailable) return;
  // Only of an account that is not there may one say that it has no subscription: an account that
  // cannot be read now keeps its subscriptions.
  if (error.code != Errc::kServiceUnavailable) return bounce(stanza, error);
  // RFC 6121 §3.1.3 and §4.3.2: who asks for the presence of nobody is told that he is not
  // subscribed.
  if (stanza.type() == StanzaType::kSubscribe || stanza.type() == StanzaType::kProbe) {
    Stanza reply(StanzaKind::kPresence, StanzaType::kUnsubscribed);
    reply.set_from(stanza.to()->bare());
    reply.set_to(stanza.from()->bare());
    route(std::move(reply));
  }
}

void Router::bounce(const Stanza& stanza, const Error& error) {
  xml::Element reply = error_reply(stanza.xml(), error);
  if (reply) send_answer(std::move(reply));
}

// RFC 6120 §10.4: no domain of ours, so another server's. Its route is on the domain's home shard.
void Router::to_remote(Stanza&& stanza) {
  // Nobody is served as a relay between two others.
  if (!serves(stanza.from()->domain())) return;
  const Jid domain = stanza.to()->domain_jid();
  at_home(domain, [stanza = std::move(stanza)](Router& home) mutable {
    home.remotes_.send(std::move(stanza));
  });
}

// ---- requests ----

std::optional<Task<>> Router::request(Host& host, std::shared_ptr<User> user,
                                      ConnectedResource* session, Stanza stanza) {
  if (delegate(host, user.get(), stanza)) return std::nullopt;
  const xml::ElementView payload = stanza.payload();
  const auto generation = host.generation();
  const IqTable::Entry* entry =
      generation->iqs.find(stanza.type() == StanzaType::kSet, {payload.ns(), payload.name()},
                           user ? Target::kAccount : Target::kServer);
  const bool may = entry && (!user || may_ask(*user, *stanza.from(), entry->access) ||
                             may_use_roster(*user, stanza));
  if (!may) {
    // RFC 6120 §8.4 and RFC 6121 §8.5.2.1.3: the same answer, whether nobody knows the payload or
    // the asker may not.
    bounce(stanza, Error(Errc::kServiceUnavailable));
    return std::nullopt;
  }
  if (const auto* handler = std::get_if<IqHandler>(&entry->handler)) {
    const IqRequest asked{stanza,          payload,
                          *stanza.from(),  stanza.type() == StanzaType::kSet,
                          std::move(user), session};
    answer(stanza, (*handler)(asked));
    return std::nullopt;
  }
  Task<> task = request_task(generation, std::get<IqTaskHandler>(entry->handler), std::move(user),
                             session, std::move(stanza));
  if (task.start()) return std::nullopt;
  return finish(std::move(task));
}

Task<> Router::finish(Task<> begun) {
  co_await std::move(begun).rest();
}

Task<> Router::request_task(std::shared_ptr<const HostGeneration> generation,
                            const IqTaskHandler& handler, std::shared_ptr<User> user,
                            ConnectedResource* session, Stanza stanza) {
  const Jid from = *stanza.from();
  const IqRequest asked{stanza, stanza.payload(), from, stanza.type() == StanzaType::kSet,
                        user,   session};
  IqReply reply = co_await handler(asked);
  answer(stanza, std::move(reply));
  generation.reset();
}

Task<xml::Element> Router::stranger(std::string domain, xml::Element iq, std::string address) {
  auto stanza = Stanza::make(iq);
  if (!stanza) co_return error_reply(iq, stanza.error());
  Host* host = this->host(domain);
  if (!host || !stanza->is_request()) co_return xml::Element{};
  const xml::ElementView payload = stanza->payload();
  const bool is_set = stanza->type() == StanzaType::kSet;
  const auto generation = host->generation();
  const IqTable::Entry* entry =
      generation->strangers.find(is_set, {payload.ns(), payload.name()}, Target::kServer);
  if (!entry) co_return error_reply(stanza->xml(), Error(Errc::kServiceUnavailable));
  const IqRequest asked{*stanza, payload, host->host(), is_set, nullptr, nullptr, address};
  IqReply reply = co_await std::get<IqTaskHandler>(entry->handler)(asked);
  if (!reply) co_return error_reply(stanza->xml(), reply.error());
  if (reply->refusal) co_return error_reply(stanza->xml(), *reply->refusal);
  co_return result_reply(stanza->xml(), std::move(reply->payload));
}

bool Router::may_ask(const User& user, const Jid& from, Access access) {
  switch (access) {
    case Access::kOwner: return from.same_bare(user.bare);
    case Access::kSubscribers: return user.may_see_presence(from);
    case Access::kAnyone: return true;
  }
  return false;
}

void Router::answer(const Stanza& request, IqReply reply) {
  if (!reply) return bounce(request, reply.error());
  if (reply->refusal) {
    xml::Element refusal = error_reply(request.xml(), *reply->refusal);
    if (refusal) send_answer(std::move(refusal));
    return;
  }
  xml::Element result = result_reply(request.xml(), std::move(reply->payload));
  if (reply->ticket == 0) return send_answer(std::move(result));
  // decision 0006: the answer waits for the commit, the stream does not.
  // So does its receipt: what is counted for the client is on disk (decision 0012).
  deps_.store.when(reply->ticket, [this, result = std::move(result),
                                   receipt = request.receipt()](const Result<>& outcome) mutable {
    if (!outcome) {
      xml::ElementRef error = result.ref();
      error.clear_children();
      error.set("type", "error");
      error.append(write_stanza_error(to_stanza_error(outcome.error())));
    }
    send_answer(std::move(result));
  });
}

void Router::send_answer(xml::Element reply) {
  // Most answers go to a session on this shard: no need to go through the rules of delivery.
  auto stanza = Stanza::make(reply);
  if (!stanza || !stanza->to()) return;
  const Jid& to = *stanza->to();
  if (to.is_full()) {
    if (const auto user = users_.loaded(to.bare_str())) {
      // An error that a message brought is one of his messages (XEP-0280 §6.1).
      if (stanza->is_message()) return deliver_message(*this, *user, *stanza);
      if (ConnectedResource* resource = user->find(to.resource())) {
        resource->endpoint->deliver(*stanza);
      }
      return;
    }
  }
  // An answer to an error would be an error about nothing: only what has a way is sent.
  if (serves(to.domain()) || remotes_.is_on()) route(*std::move(stanza));
}

}  // namespace balcony::router
