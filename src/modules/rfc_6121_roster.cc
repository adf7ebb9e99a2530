// RFC 6121 §2: the roster.
//
// Gives clients their roster (§2.2) and takes changes (§2.3 to §2.5), with versions (§2.6): a
// client that has the current version gets an empty result, any other the whole roster. A change
// takes effect in memory at once; its result and the pushes to all interested resources follow when
// it is stored.
#include "modules/modules.h"
#include "modules/presence_sending.h"
#include "modules/roster_storage.h"
#include "stanza/ns.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

using router::RosterItem;
using router::User;

constexpr std::size_t kNameBytesMax = 1023;
constexpr std::size_t kGroupBytesMax = 1023;
constexpr std::size_t kGroupsMax = 64;  // of one item

IqReply get(const IqRequest& request) {
  const router::Roster& roster = request.user->roster;
  // RFC 6121 §2.2: from now on this resource gets pushes.
  if (request.session) request.session->interested = true;

  IqAnswer answer;
  // What a change that is not stored yet has done must not be seen before it is.
  answer.ticket = latest_change(*request.user);
  const std::string version = roster.version_text();
  // §2.6.3: nothing has changed, so nothing is sent.
  if (request.payload.attr("ver") == version) return answer;

  answer.payload = xml::Element(ns::kRoster, "query");
  answer.payload.set("ver", version);
  for (const RosterItem& item : roster.items()) {
    if (item.is_visible()) answer.payload.append(write_item(item));
  }
  return answer;
}

Result<std::vector<std::string>> read_groups(xml::ElementView item) {
  std::vector<std::string> groups;
  for (const xml::ElementView group : item.children(ns::kRoster, "group")) {
    groups.push_back(group.text());
    // RFC 6121 §2.3.3.
    if (groups.back().empty()) return fail(Errc::kNotAcceptable, "a group must have a name");
    if (groups.back().size() > kGroupBytesMax) {
      return fail(Errc::kNotAcceptable, "the name of a group is too long");
    }
    if (groups.size() > kGroupsMax) return fail(Errc::kNotAcceptable, "too many groups");
  }
  std::ranges::sort(groups);
  if (std::ranges::adjacent_find(groups) != groups.end()) {
    return fail(Errc::kBadRequest, "a group is named twice");
  }
  return groups;
}

Error shared_item() {
  return Error(Errc::kNotAllowed, "this contact is everybody's, set by the server");
}

IqReply update(Server& server, User& user, const Jid& contact, xml::ElementView element) {
  const std::string_view name = element.attr("name");
  if (name.size() > kNameBytesMax) return fail(Errc::kNotAcceptable, "the name is too long");
  BALCONY_ASSIGN(auto groups, read_groups(element));
  const RosterItem* known = user.roster.find(contact);
  if (known && known->shared) return fail(shared_item());
  if ((!known || !known->is_visible()) &&
      own_items(user.roster) >= server.limits().roster_items_max) {
    return fail(Errc::kResourceConstraint, "the roster is full");
  }
  // RFC 6121 §2.1.2: 'subscription', 'ask' and 'approved' are the server's; what a client says
  // there is ignored.
  RosterItem& item = user.roster.get_or_add(contact);
  item.listed = true;
  item.set_label(name, std::move(groups));
  return IqAnswer({}, store_change(server, user, contact, Push::kYes));
}

// RFC 6121 §2.5.2.
IqReply remove(Server& server, User& user, const Jid& contact) {
  const RosterItem* item = user.roster.find(contact);
  if (!item || !item->is_visible()) {
    return fail(Errc::kItemNotFound, "this contact is not in the roster");  // §2.5.3
  }
  if (item->shared) return fail(shared_item());
  const router::SubscriptionState state = item->state;
  user.roster.erase(contact);
  const storage::Ticket ticket = store_change(server, user, contact, Push::kYes);
  when_stored(server, user,
              [&server, contact, state, resources = available_resources(user)](User& u) {
                send_cancellation(server, u, contact, state, resources);
              });
  return IqAnswer({}, ticket);
}

IqReply set(Server& server, const IqRequest& request) {
  const auto items = request.payload.children(ns::kRoster, "item");
  // RFC 6121 §2.3.3: exactly one item.
  if (std::ranges::distance(items.begin(), items.end()) != 1) {
    return fail(Errc::kBadRequest, "a roster set has exactly one item");
  }
  const xml::ElementView item = *items.begin();
  if (!item.has_attr("jid")) return fail(Errc::kBadRequest, "the item has no jid");
  BALCONY_ASSIGN(const Jid contact, Jid::parse(item.attr("jid")));
  if (contact.is_full()) return fail(Errc::kBadRequest, "a roster item has a bare JID");
  if (item.attr("subscription") == "remove") return remove(server, *request.user, contact);
  if (contact == request.user->bare) {
    return fail(Errc::kNotAllowed, "one's own address cannot be in the roster");
  }
  return update(server, *request.user, contact, item);
}

void attach_roster(Registrar& on, Server& server, const NoOptions&) {
  on.on_load_user(
      [&server](std::shared_ptr<User> user) { return load_roster(server, std::move(user)); });
  // RFC 6121 §2.6.1.
  on.on<router::StreamFeatures>([](router::StreamFeatures& e) {
    e.features.append(ns::kRosterVersion, "ver");
    return Flow::kContinue;
  });
  // Somebody else's roster: the router answers as RFC 6121 §2.3.3 wants it from who does not say
  // which accounts exist.
  on.iq_get({ns::kRoster, "query"}, Target::kAccount, Access::kOwner,
            [](const IqRequest& request) { return get(request); });
  on.iq_set({ns::kRoster, "query"}, Target::kAccount, Access::kOwner,
            [&server](const IqRequest& request) { return set(server, request); });
}

}  // namespace

const ModuleSpec rfc_6121_roster = router::module<NoOptions>(
    "roster", {{"RFC 6121", ""}},
    "Keeps each account's contact list and tells its clients of changes.", {}, attach_roster);

}  // namespace balcony::modules
