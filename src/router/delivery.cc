#include "router/delivery.h"

#include "router/host.h"
#include "router/router.h"
#include "stanza/delay.h"

#include <algorithm>

namespace balcony::router {
namespace {

// RFC 6121 §8.5.2.1.1: resources with negative priority never get what is sent to the bare JID.
std::vector<ConnectedResource*> non_negative(const User& user) {
  std::vector<ConnectedResource*> all;
  for (const auto& resource : user.resources) {
    if (resource->available && resource->priority >= 0) all.push_back(resource.get());
  }
  return all;
}

void keep_highest_priority(std::vector<ConnectedResource*>& resources) {
  if (resources.empty()) return;
  const auto highest =
      (*std::ranges::max_element(resources, {}, &ConnectedResource::priority))->priority;
  std::erase_if(resources, [highest](const auto* r) { return r->priority != highest; });
}

void send(User& user, Stanza& stanza, std::span<ConnectedResource* const> recipients) {
  user.host->fire(MessageDelivering{user, stanza, recipients});
  for (ConnectedResource* resource : recipients) resource->endpoint->deliver(stanza);
}

// RFC 6121 §8.5.2.2.1: no resource may have it. Kept, or refused.
void undelivered(Router& router, User& user, Stanza& stanza, std::optional<WallTime> since = {}) {
  MessageUndelivered event{user, stanza, 0, std::nullopt, since};
  const Flow flow = user.host->fire(event);
  if (event.error) return router.bounce(stanza, *event.error);
  if (flow != Flow::kStop) router.bounce(stanza, Error(Errc::kServiceUnavailable));
}

void to_bare(Router& router, User& user, Stanza& stanza) {
  switch (stanza.type()) {
    case StanzaType::kGroupchat:
      // §8.5.2.1.1: never delivered to a bare JID, always an error.
      return router.bounce(stanza, Error(Errc::kServiceUnavailable));
    case StanzaType::kError: return;  // silently ignored
    case StanzaType::kHeadline: return send(user, stanza, non_negative(user));
    default: break;
  }
  auto recipients = non_negative(user);
  keep_highest_priority(recipients);
  if (recipients.empty()) return undelivered(router, user, stanza);
  send(user, stanza, recipients);
}

}  // namespace

void deliver_message(Router& router, User& user, Stanza& stanza) {
  if (stanza.to()->is_bare()) return to_bare(router, user, stanza);
  if (ConnectedResource* resource = user.find(stanza.to()->resource())) {
    return send(user, stanza, {&resource, 1});  // §8.5.3.1
  }
  switch (stanza.type()) {  // §8.5.3.2.1
    case StanzaType::kChat: return to_bare(router, user, stanza);
    case StanzaType::kNormal:
    case StanzaType::kGroupchat: return router.bounce(stanza, Error(Errc::kServiceUnavailable));
    default: return;  // headline and error are silently ignored
  }
}

void deliver_presence(Router& /*router*/, User& user, Stanza& stanza) {
  if (user.host->fire(PresenceIncoming{user, stanza}) == Flow::kStop) return;
  if (stanza.to()->is_full()) {
    // §8.5.3.1, and §8.5.3.2.2: to a resource that is not there, silently ignored.
    if (ConnectedResource* resource = user.find(stanza.to()->resource())) {
      resource->endpoint->deliver(stanza);
    }
    return;
  }
  const bool notification =
      stanza.type() == StanzaType::kAvailable || stanza.type() == StanzaType::kUnavailable;
  if (!notification) return;
  // §8.5.2.1.2: to all available resources, whatever their priority.
  for (const auto& resource : user.resources) {
    if (resource->available) resource->endpoint->deliver(stanza);
  }
}

void deliver_iq(Router& router, User& user, const Stanza& stanza) {
  if (ConnectedResource* resource = user.find(stanza.to()->resource())) {
    return resource->endpoint->deliver(stanza);
  }
  // §8.5.3.2.3; bounce() answers requests only.
  router.bounce(stanza, Error(Errc::kServiceUnavailable));
}

void deliver_again(Router& router, User& user, Stanza stanza, WallTime since) {
  if (stanza.is_iq()) return router.bounce(stanza, Error(Errc::kServiceUnavailable));
  const StanzaType type = stanza.type();
  if (!stanza.is_message() || (type != StanzaType::kNormal && type != StanzaType::kChat)) return;
  auto recipients = non_negative(user);
  keep_highest_priority(recipients);
  if (recipients.empty()) return undelivered(router, user, stanza, since);
  if (!find_delay(stanza.xml(), user.host->host())) {
    stanza.edit().append(write_delay(Delay(since, user.host->host())));
  }
  for (ConnectedResource* resource : recipients) resource->endpoint->deliver(stanza);
}

std::optional<ReceiptPtr> keep_unacknowledged(User& user, Stanza& stanza, WallTime since) {
  MessageUnacknowledged event{user, stanza, since, stanza.receipt()};
  user.host->fire(event);
  if (event.later) return std::nullopt;
  return std::move(event.receipt);
}

}  // namespace balcony::router
