#include "modules/xep_0163_pep/notify.h"

#include "base/log.h"
#include "modules/pubsub/event.h"
#include "modules/pubsub/items.h"
#include "modules/xep_0163_pep/account_service.h"
#include "modules/xep_0163_pep/state.h"
#include "stanza/delay.h"
#include "stanza/ns.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balcony::modules::pep {
namespace {

using router::RosterItem;
using router::Server;
using router::User;

// Who subscribed by himself, by his bare JID.
using Subscribers = std::map<std::string, std::vector<Jid>, std::less<>>;

// What goes to all shards: constant.
struct News {
  Stanza message;
  std::string node;
  Subscribers subscribers;

  const std::vector<Jid>* subscriptions_of(const Jid& who) const {
    const auto found = subscribers.find(who.bare_str());
    return found == subscribers.end() ? nullptr : &found->second;
  }
};
using NewsPtr = std::shared_ptr<const News>;

void send_copy(Server& server, const Stanza& message, const Jid& to) {
  Stanza copy = message.clone();
  copy.set_to(to);
  copy.set_id(server.random().token(9));  // XEP-0060 §7.1.2
  server.route(std::move(copy));
}

// XEP-0163 §4.3.2: one to each resource that wants it; where there is none, one to a bare JID that
// is subscribed; and always one to a full JID that is.
void tell_client_addresses(Server& server, const News& news, const std::vector<Jid>& interested,
                           const std::vector<Jid>* subscribed) {
  for (const Jid& to : interested) send_copy(server, news.message, to);
  if (!subscribed) return;
  for (const Jid& to : *subscribed) {
    const bool had =
        to.is_full() ? std::ranges::find(interested, to) != interested.end() : !interested.empty();
    if (!had) send_copy(server, news.message, to);
  }
}

// An account of this shard.
void tell_account(Server& server, const Jid& account, const News& news) {
  const std::vector<Jid>* subscribed = news.subscriptions_of(account);
  const auto user = server.loaded_user(account);
  std::vector<Jid> interested;  // first collected: what is sent may change the resources
  if (user) {
    for (const auto& resource : user->resources) {
      const ClientCaps* caps = resource->slots.find(kClientCaps);
      if (resource->available && caps && wants(caps->interest, news.node)) {
        interested.push_back(resource->jid);
      }
    }
  }
  tell_client_addresses(server, news, interested, subscribed);
}

// Whether blocking lets it through (XEP-0163 §4.3.3).
bool may_tell(Server& server, User& user, const Jid& to) {
  return server.events().fire(router::PresenceSending{user, to, StanzaType::kAvailable}) !=
         router::Flow::kStop;
}

// XEP-0163 §4.3.1: contacts may see which resource it was; nobody else, and only of one that says
// that it is there.
void add_publisher(const User& user, const pubsub::Notice& notice, Stanza& message) {
  if (!notice.publisher || !notice.publisher->same_bare(user.bare)) return;
  const router::ConnectedResource* resource = user.find(notice.publisher->resource());
  if (!resource || !resource->available) return;
  message.edit()
      .append(ns::kAddress, "addresses")
      .append("address")
      .set("type", "replyto")
      .set("jid", resource->jid.str());
}

struct Audience {
  std::vector<Jid> local;   // accounts
  std::vector<Jid> remote;  // contacts, bare
  std::vector<Jid> others;  // subscribed addresses of who is no contact
};

Audience audience_of(Server& server, User& user, const pubsub::Notice& notice) {
  Audience audience;
  audience.local.push_back(user.bare);
  const auto may_have = [&](const Jid& who) {
    return pubsub::may_read(notice.config, relation_of(user, who));
  };
  if (notice.config.access != pubsub::AccessModel::kWhitelist) {
    std::vector<Jid> contacts;
    for (const RosterItem& item : user.roster.items()) {
      if (item.state.from && may_have(item.jid)) contacts.push_back(item.jid);
    }
    for (const Jid& contact : contacts) {
      if (!may_tell(server, user, contact)) continue;
      const bool local = server.is_local(contact.domain());
      (local ? audience.local : audience.remote).push_back(contact);
    }
  }
  for (const Jid& jid : notice.subscribers) {
    const RosterItem* item = user.roster.find(jid);
    if (jid.same_bare(user.bare) || (item && item->state.from)) continue;
    if (may_have(jid) && may_tell(server, user, jid)) audience.others.push_back(jid);
  }
  return audience;
}

void tell_remote(Server& server, const User& user, const std::vector<Jid>& contacts,
                 const News& news) {
  ShardState& state = shard_state(server);
  const auto found = state.remote.find(user.bare.str());
  for (const Jid& contact : contacts) {
    std::vector<Jid> interested;
    if (found != state.remote.end()) {
      const std::string first = contact.str() + "/";
      for (auto at = found->second.lower_bound(first);
           at != found->second.end() && at->first.starts_with(first); ++at) {
        if (!wants(at->second.interest, news.node)) continue;
        if (auto jid = Jid::parse(at->first)) interested.push_back(*std::move(jid));
      }
    }
    tell_client_addresses(server, news, interested, news.subscriptions_of(contact));
  }
}

// One last item; nothing when it has been replaced meanwhile: then that is told.
Task<> send_last_item(Server& server, std::shared_ptr<User> user, Jid to, std::string name) {
  const pubsub::Nodes* nodes = nodes_of(*user);
  if (!nodes) co_return;
  const auto found = nodes->find(name);
  if (found == nodes->end()) co_return;
  const pubsub::ItemSource source(user->bare.str(), found->second);
  auto item = co_await pubsub::read_last_item(server.store(), source);
  if (!item) {
    log_error("published item cannot be read",
              {{"jid", user->bare.str()}, {"error", item.error().to_string()}});
    co_return;
  }
  nodes = nodes_of(*user);
  const auto still = nodes ? nodes->find(name) : pubsub::Nodes::const_iterator();
  if (!*item || !nodes || still == nodes->end() || still->second.last_row != (*item)->row) {
    co_return;
  }
  const pubsub::NodeConfig& config = still->second.config;
  const auto payload = config.deliver_payloads ? pubsub::Payload::kWith : pubsub::Payload::kWithout;
  Stanza message = pubsub::notification(user->bare, config,
                                        pubsub::item_event(name, (*item)->element.view(), payload));
  const Delay since((*item)->when);
  message.edit().append(write_delay(since));  // XEP-0060 §6.1.7
  send_copy(server, message, to);
}

Task<> send_each_last_item(Server& server, std::shared_ptr<User> user, Jid to,
                           std::vector<std::string> names) {
  for (const std::string& name : names) co_await send_last_item(server, user, to, name);
}

}  // namespace

void tell(Server& server, User& user, const pubsub::Notice& notice) {
  const Audience audience = audience_of(server, user, notice);
  Subscribers subscribers;
  for (const Jid& jid : notice.subscribers) {
    subscribers[std::string(jid.bare_str())].push_back(jid);
  }
  Stanza message = pubsub::notification(user.bare, notice.config, notice.event.clone());
  for (const Jid& to : audience.others) send_copy(server, message, to);
  add_publisher(user, notice, message);
  const NewsPtr news =
      std::make_shared<const News>(News{std::move(message), notice.node, std::move(subscribers)});
  tell_remote(server, user, audience.remote, *news);
  server.at_homes(audience.local, [news](Server& there, const Jid& account) {
    tell_account(there, account, *news);
  });
}

void send_last_items(Server& server, const std::shared_ptr<User>& user, const Jid& to,
                     const Interest& wanted, Occasion occasion) {
  const pubsub::Nodes* nodes = nodes_of(*user);
  if (!nodes || nodes->empty() || !wanted) return;
  const pubsub::Relation relation = relation_of(*user, to);
  std::vector<std::string> names;
  for (const std::string& name : *wanted) {
    const auto found = nodes->find(name);
    if (found == nodes->end() || found->second.items == 0) continue;
    const pubsub::NodeConfig& config = found->second.config;
    const bool now = occasion == Occasion::kSubscription
                         ? config.send_last != pubsub::SendLast::kNever
                         : config.send_last == pubsub::SendLast::kOnSubAndPresence;
    if (!now || !config.deliver_notifications || !pubsub::may_read(config, relation)) continue;
    names.push_back(name);
  }
  if (names.empty()) return;
  if (!to.same_bare(user->bare) && !may_tell(server, *user, to)) return;
  server.spawn(user, send_each_last_item(server, user, to, std::move(names)));
}

void welcome_from(Server& server, const Jid& account, const Jid& resource, const Interest& wanted) {
  if (!shard_state(server).owners.may_have(server, account)) return;
  server.with_user(account, [&server, resource, wanted](const std::shared_ptr<User>& user) {
    if (user) send_last_items(server, user, resource, wanted, Occasion::kPresence);
  });
}

void welcome(Server& server, const std::shared_ptr<User>& user, const Jid& resource,
             const Interest& wanted) {
  if (!wanted) return;
  send_last_items(server, user, resource, wanted, Occasion::kPresence);
  std::vector<Jid> contacts;
  for (const RosterItem& item : user->roster.items()) {
    if (item.state.to && server.is_local(item.jid.domain())) contacts.push_back(item.jid);
  }
  server.at_homes(contacts, [resource, wanted](Server& there, const Jid& account) {
    welcome_from(there, account, resource, wanted);
  });
}

}  // namespace balcony::modules::pep
