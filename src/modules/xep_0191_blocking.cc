// XEP-0191: Blocking Command: a user hears nothing from whom he has blocked and says nothing to
// him, and to the other looks as if he were offline (§3.3, "polite blocking" of §4: subscriptions
// stay).
#include "base/log.h"
#include "modules/block_list.h"
#include "modules/modules.h"
#include "modules/presence_sending.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::RosterItem;
using router::SlotKey;
using router::User;

constexpr std::string_view kBlockingStore = "blocking";
constexpr std::uint32_t kPageItems = 1'000;

struct BlockingOptions {
  std::size_t items_max = 1'000;
};

const SlotKey<BlockList> kList;    // of a user, if it was ever filled
const SlotKey<bool> kWantsPushes;  // of a session that has asked for the list (§3.3)

bool is_blocked(const User& user, const Jid& other) {
  const BlockList* list = user.slots.find(kList);
  // §5, its note: never between resources of one user, whatever the list says.
  return list && list->blocks(other) && !other.same_bare(user.bare);
}

// ---- the list: §3.2 to §3.5 ----

IqReply get(const IqRequest& request) {
  if (request.session) request.session->slots.get(kWantsPushes) = true;
  xml::Element answer(ns::kBlocking, "blocklist");
  if (const BlockList* list = request.user->slots.find(kList)) {
    for (const Jid& item : list->items()) answer.append("item").set("jid", item.str());
  }
  return answer;
}

Result<std::vector<Jid>> read_items(xml::ElementView command) {
  std::vector<Jid> items;
  for (const xml::ElementView child : command.children(ns::kBlocking, "item")) {
    if (!child.has_attr("jid")) return fail(Errc::kBadRequest, "an item has no jid");
    BALCONY_ASSIGN(Jid item, Jid::parse(child.attr("jid")));
    items.push_back(std::move(item));
  }
  return items;
}

// §3.3, §3.4, §3.5: what was changed, as the command said it.
void push(Server& server, const Jid& account, std::string_view command,
          const std::vector<Jid>& items) {
  Stanza news(StanzaKind::kIq, StanzaType::kSet);
  news.set_id(server.random().token(9));
  xml::ElementRef content = news.edit().append(ns::kBlocking, command);
  for (const Jid& item : items) content.append("item").set("jid", item.str());
  const auto user = server.loaded_user(account);
  if (!user) return;
  for (const auto& resource : user->resources) {
    const bool* wanted = resource->slots.find(kWantsPushes);
    if (wanted && *wanted) resource->endpoint->deliver(news, resource->jid.str());
  }
}

// Contacts that may see the user's presence and whom exactly one of the two lists blocks: of an
// item with a resource that address, else the contact's. `items` are those that have changed.
std::vector<Jid> affected(const User& user, const std::vector<Jid>& items, const BlockList& before,
                          const BlockList& after) {
  std::vector<Jid> all;
  const auto changed = [&](const Jid& jid) {
    return before.blocks(jid) != after.blocks(jid) && !jid.same_bare(user.bare);
  };
  for (const RosterItem& contact : user.roster.items()) {
    if (contact.state.from && changed(contact.jid)) all.push_back(contact.jid);
  }
  for (const Jid& item : items) {
    const RosterItem* contact = item.is_full() ? user.roster.find(item) : nullptr;
    if (!contact || !contact->state.from || !changed(item)) continue;
    if (!changed(contact->jid)) all.push_back(item);
  }
  return all;
}

// §3.3: who sees the user is told that he has gone, and so is who got directed presence.
std::vector<Stanza> farewells(User& user, const std::vector<Jid>& contacts,
                              const BlockList& after) {
  std::vector<Stanza> all;
  const auto add = [&all](const Jid& from, const Jid& to) {
    Stanza& presence = all.emplace_back(StanzaKind::kPresence, StanzaType::kUnavailable);
    presence.set_from(from);
    presence.set_to(to);
  };
  for (const auto& resource : user.resources) {
    if (resource->available) {
      for (const Jid& contact : contacts) add(resource->jid, contact);
    }
    std::erase_if(resource->directed, [&](const Jid& to) {
      if (!after.blocks(to) || to.same_bare(user.bare)) return false;
      add(resource->jid, to);
      return true;
    });
  }
  return all;
}

storage::Ticket store(Server& server, User& user, const BlockList& before, const BlockList& after) {
  storage::Batch batch;
  const std::string& owner = user.bare.str();
  for (const Jid& item : after.items()) {
    if (!before.contains(item)) {
      batch.add(owner, storage::op::Put{std::string(kBlockingStore), item.str(), {}});
    }
  }
  for (const Jid& item : before.items()) {
    if (!after.contains(item)) {
      batch.add(owner, storage::op::Erase{std::string(kBlockingStore), item.str()});
    }
  }
  return batch.entries.empty() ? 0 : server.commit(user, std::move(batch));
}

IqReply block(Server& server, const BlockingOptions& options, const IqRequest& request) {
  User& user = *request.user;
  BALCONY_ASSIGN(const std::vector<Jid> items, read_items(request.payload));
  if (items.empty()) return fail(Errc::kBadRequest, "nobody is named");  // §3.3
  BlockList& list = user.slots.get(kList);
  const BlockList before = list;
  BlockList after = before;
  for (const Jid& item : items) {
    if (!after.add(item) || after.size() <= options.items_max) continue;
    return fail(Errc::kResourceConstraint, "the list is full");
  }
  const auto gone = std::make_shared<std::vector<Stanza>>(
      farewells(user, affected(user, items, before, after), after));
  list = after;
  const storage::Ticket ticket = store(server, user, before, after);
  server.after_commit(ticket, [&server, account = user.bare, items, gone] {
    for (Stanza& presence : *gone) server.route(std::move(presence));
    push(server, account, "block", items);
  });
  return IqAnswer({}, ticket);
}

IqReply unblock(Server& server, const IqRequest& request) {
  User& user = *request.user;
  BALCONY_ASSIGN(const std::vector<Jid> items, read_items(request.payload));
  BlockList& list = user.slots.get(kList);
  const BlockList before = list;
  for (const Jid& item : items) list.remove(item);
  if (items.empty()) list.clear();  // §3.5
  const auto again = affected(user, items.empty() ? before.items() : items, before, list);
  const storage::Ticket ticket = store(server, user, before, list);
  server.after_commit(ticket, [&server, account = user.bare, items, again] {
    push(server, account, "unblock", items);
    // §3.4: they may see him again.
    const auto loaded = server.loaded_user(account);
    if (!loaded) return;
    for (const Jid& contact : again) send_current_presence(server, *loaded, contact);
  });
  return IqAnswer({}, ticket);
}

Task<Result<>> load_blocking(Server& server, std::shared_ptr<User> user) {
  std::string after;
  for (bool more = true; more;) {
    BALCONY_CO_ASSIGN(const auto page,
                      co_await server.store().scan(user->bare.str(), std::string(kBlockingStore),
                                                   "", after, kPageItems));
    for (const storage::MapEntry& entry : page) {
      if (const auto item = Jid::parse(entry.key)) {
        user->slots.get(kList).add(*item);
      } else {
        log_error("blocked address cannot be read",
                  {{"jid", user->bare.str()}, {"error", item.error().to_string()}});
      }
    }
    more = page.size() == kPageItems;
    if (more) after = page.back().key;
  }
  co_return Result<>{};
}

// ---- what is blocked: §3.3 ----

// From whom is blocked: presence is lost, the rest is answered as by an account that is not there.
Flow incoming(router::StanzaIncoming& event) {
  const auto& from = event.stanza.from();
  if (!from || !is_blocked(event.user, *from)) return Flow::kContinue;
  if (!event.stanza.is_presence()) event.error = Error(Errc::kServiceUnavailable);
  return Flow::kStop;
}

// To whom is blocked: his client is told why not.
Flow outgoing(ConnectedResource& sender, const Stanza& stanza) {
  if (!stanza.to() || !is_blocked(*sender.user, *stanza.to())) return Flow::kContinue;
  StanzaError error;
  error.condition = Errc::kNotAcceptable;
  error.text = "you have blocked this address";
  error.application = xml::Element(ns::kBlockingErrors, "blocked");
  if (const xml::Element reply = error_reply(stanza.xml(), error)) {
    sender.endpoint->deliver(reply.view());
  }
  return Flow::kStop;
}

void attach_blocking(Registrar& on, Server& server, const BlockingOptions& options) {
  on.feature(ns::kBlocking);
  on.on_load_user(
      [&server](std::shared_ptr<User> user) { return load_blocking(server, std::move(user)); });
  on.iq_get({ns::kBlocking, "blocklist"}, Target::kAccount, Access::kOwner,
            [](const IqRequest& request) { return get(request); });
  on.iq_set(
      {ns::kBlocking, "block"}, Target::kAccount, Access::kOwner,
      [&server, &options](const IqRequest& request) { return block(server, options, request); });
  on.iq_set({ns::kBlocking, "unblock"}, Target::kAccount, Access::kOwner,
            [&server](const IqRequest& request) { return unblock(server, request); });
  // First: nothing is kept, copied or counted of what is blocked.
  on.on<router::StanzaIncoming>(Priority::kFirst,
                                [](router::StanzaIncoming& event) { return incoming(event); });
  on.on<router::StanzaOutgoing>(Priority::kFirst, [](router::StanzaOutgoing& event) {
    return outgoing(event.sender, event.stanza);
  });
  on.on<router::PresenceOutgoing>(Priority::kFirst, [](router::PresenceOutgoing& event) {
    return outgoing(event.sender, event.stanza);
  });
  on.on<router::SessionSaving>([](router::SessionSaving& event) {
    if (event.resource.slots.find(kWantsPushes)) event.state.append(ns::kBlocking, "blocklist");
    return Flow::kContinue;
  });
  on.on<router::SessionRestoring>([](router::SessionRestoring& event) {
    const bool wanted = bool(event.state.child(ns::kBlocking, "blocklist"));
    if (wanted) event.resource.slots.get(kWantsPushes) = true;
    return Flow::kContinue;
  });
  on.on<router::PresenceSending>(Priority::kFirst, [](router::PresenceSending& event) {
    return is_blocked(event.user, event.to) ? Flow::kStop : Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0191_blocking =
    router::module<BlockingOptions>("blocking", {{"XEP-0191", "1.3"}}, "Lets users block others.",
                                    {option("items_max", &BlockingOptions::items_max, 1, 100'000,
                                            "Addresses that one user can block.")},
                                    attach_blocking);

}  // namespace balcony::modules
