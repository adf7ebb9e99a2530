#include "modules/xep_0163_pep/presence.h"

#include "modules/xep_0163_pep/account_service.h"
#include "modules/xep_0163_pep/notify.h"
#include "modules/xep_0163_pep/state.h"
#include "stanza/ns.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balcony::modules::pep {
namespace {

using router::ConnectedResource;
using router::Flow;
using router::Priority;
using router::Server;
using router::User;

// Clients of one contact elsewhere that are remembered for an account.
constexpr std::ptrdiff_t kClientsOfOneMax = 20;

// ---- sessions here

void own_client_learned(Server& server, const Jid& client, const std::string& ver,
                        const Interest& before, const Interest& interest) {
  const auto user = server.loaded_user(client.bare());
  ConnectedResource* resource = user ? user->find(client.resource()) : nullptr;
  ClientCaps* caps = resource ? resource->slots.find(kClientCaps) : nullptr;
  if (!caps || caps->ver != ver) return;  // it says something else by now
  if (!interest) return resource->slots.erase(kClientCaps);
  caps->interest = interest;
  // Before its first presence is out, the rest waits for ResourceAvailable.
  if (resource->available) welcome(server, user, client, added_interest(before, interest));
}

Flow own_presence(Server& server, router::PresenceOutgoing& event) {
  const Stanza& presence = event.stanza;
  if (presence.to() || presence.type() != StanzaType::kAvailable) return Flow::kContinue;
  ConnectedResource& resource = event.sender;
  const auto hash = caps_of(presence);
  ClientCaps* known = resource.slots.find(kClientCaps);
  if (!hash) {
    if (known) resource.slots.erase(kClientCaps);
    return Flow::kContinue;
  }
  if (known && known->ver == hash->ver) return Flow::kContinue;
  const auto interest = shard_state(server).caps.known(hash->ver);
  if (interest && !*interest) {  // it wants nothing: not worth a slot
    if (known) resource.slots.erase(kClientCaps);
    return Flow::kContinue;
  }
  ClientCaps& caps = resource.slots.get(kClientCaps);
  const Interest before = std::exchange(caps.interest, nullptr);
  caps.ver = hash->ver;
  shard_state(server).caps.look_up(
      server, resource.user->bare, resource.jid, *hash,
      [&server, client = resource.jid, ver = hash->ver, before](const Interest& learned) {
        own_client_learned(server, client, ver, before, learned);
      });
  return Flow::kContinue;
}

Flow own_available(Server& server, const router::ResourceAvailable& event) {
  const ClientCaps* caps = event.resource.slots.find(kClientCaps);
  if (!caps || !caps->interest) return Flow::kContinue;
  if (const auto user = server.loaded_user(event.resource.user->bare)) {
    welcome(server, user, event.resource.jid, caps->interest);
  }
  return Flow::kContinue;
}

// A session that is resumed after a restart (XEP-0198 §5) sends no presence again.
void save_interest(const router::SessionSaving& event) {
  const ClientCaps* caps = event.resource.slots.find(kClientCaps);
  if (!caps || !caps->interest) return;
  xml::ElementRef c = event.state;
  c = c.append(ns::kCaps, "c").set("ver", caps->ver);
  for (const std::string& node : *caps->interest) c.append_text_element("notify", node);
}

void restore_interest(router::SessionRestoring& event) {
  const xml::ElementView c = event.state.child(ns::kCaps, "c");
  std::vector<std::string> nodes;
  for (const xml::ElementView node : c.children(ns::kCaps, "notify")) nodes.push_back(node.text());
  if (nodes.empty()) return;
  std::ranges::sort(nodes);
  ClientCaps& caps = event.resource.slots.get(kClientCaps);
  caps.ver = c.attr("ver");
  caps.interest = std::make_shared<const std::vector<std::string>>(std::move(nodes));
}

// XEP-0163 §4.3.4: a new subscriber too. `from` has just let the user see him.
void own_subscribed(Server& server, const User& user, const Jid& from) {
  if (!server.is_local(from.domain())) return;
  for (const auto& resource : user.resources) {
    const ClientCaps* caps = resource->slots.find(kClientCaps);
    if (!resource->available || !caps || !caps->interest) continue;
    const auto give = [client = resource->jid, wanted = caps->interest](Server& there,
                                                                        const Jid& account) {
      welcome_from(there, account, client, wanted);
    };
    server.at_homes({from.bare()}, give);
  }
}

// ---- contacts elsewhere

void forget_remote(Server& server, const Jid& account, const Jid& client) {
  auto& remote = shard_state(server).remote;
  const auto found = remote.find(std::string(account.bare_str()));
  if (found == remote.end()) return;
  found->second.erase(client.str());
  if (found->second.empty()) remote.erase(found);
}

void remote_client_learned(Server& server, const Jid& account, const Jid& client,
                           const std::string& ver, const Interest& interest) {
  auto& remote = shard_state(server).remote;
  const auto found = remote.find(account.str());
  if (found == remote.end()) return;
  const auto at = found->second.find(client.str());
  if (at == found->second.end() || at->second.ver != ver) return;
  const Interest before = at->second.interest;
  if (!interest) return forget_remote(server, account, client);
  at->second.interest = interest;
  const Interest added = added_interest(before, interest);
  server.with_user(account, [&server, client, added](const std::shared_ptr<User>& user) {
    if (user) send_last_items(server, user, client, added, Occasion::kPresence);
  });
}

// `user` has nodes, or may have some.
void hear_contact(Server& server, const User& user, const Jid& client, const CapsHash& hash) {
  const pubsub::Nodes* nodes = nodes_of(user);
  if (!nodes || nodes->empty()) return;
  if (relation_of(user, client).kind != pubsub::Relation::Kind::kSubscribed) return;
  RemoteClients& clients = shard_state(server).remote[user.bare.str()];
  const std::string first = std::string(client.bare_str()) + "/";
  const bool known = clients.contains(client.str());
  const auto begin = clients.lower_bound(first);
  const auto end = std::find_if_not(
      begin, clients.end(), [&first](const auto& entry) { return entry.first.starts_with(first); });
  if (!known && std::distance(begin, end) >= kClientsOfOneMax) return;
  ClientCaps& caps = clients[client.str()];
  if (caps.ver == hash.ver) return;
  caps.ver = hash.ver;
  shard_state(server).caps.look_up(
      server, user.bare, client, hash,
      [&server, account = user.bare, client, ver = hash.ver](const Interest& learned) {
        remote_client_learned(server, account, client, ver, learned);
      });
}

void hear_presence(Server& server, const Stanza& presence) {
  const Jid& client = *presence.from();
  const StanzaType type = presence.type();
  const bool notification = type == StanzaType::kAvailable || type == StanzaType::kUnavailable;
  if (!notification || !client.is_full() || server.is_local(client.domain())) return;
  const Jid account = presence.to()->bare();
  ShardState& state = shard_state(server);
  if (!state.owners.may_have(server, account)) return;
  const auto hash = type == StanzaType::kAvailable ? caps_of(presence) : std::nullopt;
  const auto known = hash ? state.caps.known(hash->ver) : std::nullopt;
  if (!hash || (known && !*known)) return forget_remote(server, account, client);
  server.with_user(account, [&server, client, hash](const std::shared_ptr<User>& user) {
    if (user) hear_contact(server, *user, client, *hash);
  });
}

}  // namespace

void watch_presence(router::Registrar& on, Server& server) {
  // Early: the module that broadcasts it stops the event.
  on.on<router::PresenceOutgoing>(Priority::kEarly, [&server](router::PresenceOutgoing& event) {
    return own_presence(server, event);
  });
  on.on<router::ResourceAvailable>(
      [&server](router::ResourceAvailable& event) { return own_available(server, event); });
  on.on<router::ResourceUnavailable>([](router::ResourceUnavailable& event) {
    event.resource.slots.erase(kClientCaps);
    return Flow::kContinue;
  });
  on.on<router::SessionSaving>([](router::SessionSaving& event) {
    save_interest(event);
    return Flow::kContinue;
  });
  on.on<router::SessionRestoring>([](router::SessionRestoring& event) {
    restore_interest(event);
    return Flow::kContinue;
  });
  on.on<router::PresenceIncoming>(Priority::kEarly, [&server](router::PresenceIncoming& event) {
    if (event.stanza.type() == StanzaType::kSubscribed) {
      own_subscribed(server, event.user, *event.stanza.from());
    } else {
      hear_presence(server, event.stanza);
    }
    return Flow::kContinue;
  });
  on.on<router::PresenceUnheard>([&server](router::PresenceUnheard& event) {
    hear_presence(server, event.stanza);
    return Flow::kContinue;
  });
  on.on<router::AnswerIncoming>([&server](router::AnswerIncoming& event) {
    const bool ours = shard_state(server).caps.take_answer(server, event.stanza);
    return ours ? Flow::kStop : Flow::kContinue;
  });
  on.on<router::AccountRemoving>([&server](router::AccountRemoving& event) {
    shard_state(server).remote.erase(event.user.bare.str());
    return Flow::kContinue;
  });
}

}  // namespace balcony::modules::pep
