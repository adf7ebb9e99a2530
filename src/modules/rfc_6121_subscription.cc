// RFC 6121 §3: presence subscriptions.
//
// Carries out what the tables of appendix A say (router/subscription.h): for a user's own stanzas
// (outbound) and for those that contacts send to him (inbound). Requests wait in the roster until
// the user has answered. What others learn of a change is sent once it is stored.
#include "base/log.h"
#include "modules/modules.h"
#include "modules/presence_sending.h"
#include "modules/roster_storage.h"
#include "router/subscription.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <memory>
#include <string>
#include <utility>

namespace balcony::modules {
namespace {

using router::RosterItem;
using router::SubscriptionState;
using router::User;

struct Options {
  std::size_t requests_max = 200;
  Bytes request_bytes_max{4096};
};

SubscriptionState state_of(const User& user, const Jid& contact) {
  const RosterItem* item = user.roster.find(contact);
  return item ? item->state : SubscriptionState{};
}

// Whether the configuration has subscribed both to each other, for good.
bool is_shared(const User& user, const Jid& contact) {
  const RosterItem* item = user.roster.find(contact);
  return item && item->shared;
}

// Gives the pair its new state, in memory and in storage. `request` is kept when one is pending.
void change(Server& server, User& user, const Jid& contact, const SubscriptionState& next,
            std::string request = {}) {
  const SubscriptionState before = state_of(user, contact);
  if (next == before) return;
  RosterItem& item = user.roster.get_or_add(contact);
  const bool was_visible = item.is_visible();
  item.state = next;
  // RFC 6121 §A.1: only "None + Pending In" alone is no roster item; what was one stays when its
  // subscription ends.
  item.listed = was_visible || item.is_visible();
  if (!next.pending_in) item.clear_request();
  if (!request.empty()) item.set_request(std::move(request));
  if (item.is_empty()) user.roster.erase(contact);
  store_change(server, user, contact, next.looks_like(before) ? Push::kNo : Push::kYes);
}

// ---- outbound, §A.2 ----

// Answers a client's presence with an error. `stanza` still has the client's addresses.
void refuse(Server& server, const Jid& client, const Stanza& stanza, const Error& error) {
  xml::Element reply = error_reply(stanza.xml(), error);
  if (!reply) return;
  reply.set("to", client.str());
  auto made = Stanza::make(reply);
  if (made && made->to()) server.route(*std::move(made));
}

void send_outbound(Server& server, User& user, const Jid& client, Stanza stanza) {
  const Jid contact = stanza.to()->bare();
  if (contact == user.bare) {
    return refuse(server, client, stanza,
                  Error(Errc::kNotAllowed, "one's own presence needs no subscription"));
  }
  if (is_shared(user, contact)) {
    const bool wants_out =
        stanza.type() == StanzaType::kUnsubscribe || stanza.type() == StanzaType::kUnsubscribed;
    if (!wants_out) return;
    return refuse(server, client, stanza,
                  Error(Errc::kNotAllowed, "this contact is everybody's, set by the server"));
  }
  // RFC 6121 §3.1.2: whatever the client wrote, both are bare JIDs.
  stanza.set_from(user.bare);
  stanza.set_to(contact);

  const SubscriptionState before = state_of(user, contact);
  const router::OutboundStep step = router::outbound(before, stanza.type());
  if (!user.roster.find(contact) && step.next != before &&
      own_items(user.roster) >= server.limits().roster_items_max) {
    return refuse(server, client, stanza, Error(Errc::kResourceConstraint, "the roster is full"));
  }
  change(server, user, contact, step.next);

  const bool gained = step.next.from && !before.from;
  std::vector<Jid> lost;  // resources whose presence the contact may see no more
  if (before.from && !step.next.from) lost = available_resources(user);
  const auto kept = std::make_shared<const Stanza>(std::move(stanza));
  when_stored(
      server, user,
      [&server, contact, kept, gained, lost, route = step.route](User& u) {
        // §3.2.2: unavailable comes first, while the contact still listens.
        send_unavailable(server, u, lost, contact);
        if (route) server.route(kept->clone());
        // §3.1.5: who was let in sees who is there; unless he was put out again meanwhile.
        if (gained && state_of(u, contact).from) send_current_presence(server, u, contact);
      },
      [&server, client, kept](const Error& error) { refuse(server, client, *kept, error); });
}

Flow outgoing_subscription(Server& server, router::PresenceOutgoing& event) {
  Stanza& stanza = event.stanza;
  if (!router::is_subscription_type(stanza.type())) return Flow::kContinue;
  if (!stanza.to()) {
    event.sender.endpoint->deliver(
        error_reply(stanza.xml(),
                    Error(Errc::kBadRequest, "a subscription is about somebody: 'to' is missing"))
            .view());
    return Flow::kStop;
  }
  const auto taken = std::make_shared<Stanza>(std::move(stanza));
  when_ready(server, *event.sender.user, [&server, client = event.sender.jid, taken](User& user) {
    send_outbound(server, user, client, std::move(*taken));
  });
  return Flow::kStop;
}

// ---- inbound, §A.3 ----

// What is kept of a request: the whole of it (RFC 6121 §3.1.3), or without its payload when that is
// too big.
std::string kept_request(const Stanza& stanza, const Options& options) {
  std::string whole = xml::to_string(stanza.xml());
  if (whole.size() <= options.request_bytes_max.count) return whole;
  Stanza bare(StanzaKind::kPresence, StanzaType::kSubscribe);
  bare.set_from(*stanza.from());
  bare.set_to(*stanza.to());
  if (!stanza.id().empty() && stanza.id().size() <= 256) bare.set_id(stanza.id());
  return xml::to_string(bare.xml());
}

// §3.1.3: requests to all available resources, news of subscriptions to the interested ones.
void deliver(const User& user, const Stanza& stanza) {
  for (const auto& resource : user.resources) {
    const bool wanted =
        stanza.type() == StanzaType::kSubscribe ? resource->available : resource->interested;
    if (wanted) resource->endpoint->deliver(stanza);
  }
}

void act_on_inbound(Server& server, User& user, const Jid& contact, const router::InboundStep& step,
                    bool lost_from) {
  if (!step.reply_subscribed && !lost_from) return;
  when_stored(server, user,
              [&server, contact, reply = step.reply_subscribed,
               resources = available_resources(user)](User& u) {
                if (!reply) {
                  // §3.3.3: whoever unsubscribes is told that nobody is there any more.
                  send_unavailable(server, u, resources, contact);
                } else if (state_of(u, contact).from) {
                  send_subscription(server, u, contact, StanzaType::kSubscribed);
                  send_current_presence(server, u, contact);
                }
              });
}

// docs/decisions/0012: its sender is told when it is on disk here too.
void settle_when_stored(Server& server, User& user, ReceiptPtr receipt) {
  when_stored(server, user, [receipt = std::move(receipt)](User&) {});
}

std::size_t pending_strangers(const User& user) {
  return user.roster.size() - visible_items(user.roster);
}

// An error that a subscription stanza of the user brought, addressed to his bare JID as that was
// from there: his clients want to know that nobody got his request.
Flow incoming_error(const User& user, const Stanza& stanza) {
  if (stanza.to()->is_full() || !state_of(user, *stanza.from()).pending_out) return Flow::kContinue;
  deliver(user, stanza);
  return Flow::kStop;
}

Flow incoming(Server& server, const Options& options, router::PresenceIncoming& event) {
  User& user = event.user;
  Stanza& stanza = event.stanza;
  if (stanza.type() == StanzaType::kError) return incoming_error(user, stanza);
  if (!router::is_subscription_type(stanza.type())) return Flow::kContinue;
  const Jid contact = stanza.from()->bare();
  if (contact == user.bare || is_shared(user, contact)) return Flow::kStop;
  stanza.set_from(contact);
  stanza.set_to(user.bare);

  const SubscriptionState before = state_of(user, contact);
  const router::InboundStep step = router::inbound(before, stanza.type());
  const bool asks = step.next.pending_in && !before.pending_in;
  if (asks && !user.roster.find(contact) && pending_strangers(user) >= options.requests_max) {
    refuse(server, contact, stanza,
           Error(Errc::kResourceConstraint, "too many requests wait for this user"));
    return Flow::kStop;
  }
  change(server, user, contact, step.next, asks ? kept_request(stanza, options) : std::string{});
  if (stanza.receipt()) settle_when_stored(server, user, stanza.receipt());
  if (step.deliver) deliver(user, stanza);
  act_on_inbound(server, user, contact, step, before.from && !step.next.from);
  return Flow::kStop;
}

// RFC 6121 §3.1.3: requests come again at each initial presence until they are answered.
Flow deliver_requests(const router::ResourceAvailable& event) {
  for (const RosterItem& item : event.resource.user->roster.items()) {
    if (!item.state.pending_in || item.request().empty()) continue;
    const auto request = xml::parse(item.request());
    if (request) {
      event.resource.endpoint->deliver(request->view());
    } else {
      log_error("subscription request cannot be read",
                {{"jid", event.resource.jid.str()}, {"contact", item.jid.str()}});
    }
  }
  return Flow::kContinue;
}

// An account that goes takes its subscriptions along; nothing is stored, all of it is erased.
Flow cancel_all(Server& server, User& user) {
  std::vector<std::pair<Jid, SubscriptionState>> all;
  for (const RosterItem& item : user.roster.items()) {
    if (!item.shared) all.emplace_back(item.jid, item.state);
  }
  for (const auto& [contact, state] : all) send_cancellation(server, user, contact, state, {});
  return Flow::kContinue;
}

void attach_subscription(Registrar& on, Server& server, const Options& options) {
  // RFC 6121 §3.4.1.
  on.on<router::StreamFeatures>([](router::StreamFeatures& e) {
    e.features.append(ns::kPreApproval, "sub");
    return Flow::kContinue;
  });
  on.on<router::PresenceOutgoing>(
      [&server](router::PresenceOutgoing& e) { return outgoing_subscription(server, e); });
  on.on<router::PresenceIncoming>(
      [&server, &options](router::PresenceIncoming& e) { return incoming(server, options, e); });
  on.on<router::ResourceAvailable>(
      [](router::ResourceAvailable& e) { return deliver_requests(e); });
  on.on<router::AccountRemoving>(
      [&server](router::AccountRemoving& e) { return cancel_all(server, e.user); });
}

}  // namespace

const ModuleSpec rfc_6121_subscription = router::module<Options>(
    "subscription", {{"RFC 6121", ""}},
    "Lets users ask for each other's presence, and grant, refuse and cancel it.",
    {option("requests_max", &Options::requests_max, 1, 10'000,
            "Requests of strangers that wait for one user's answer; more are refused."),
     option("request_bytes_max", &Options::request_bytes_max, Bytes{256}, Bytes{65'536},
            "Size up to which a request is kept with all that it holds.")},
    attach_subscription);

}  // namespace balcony::modules
