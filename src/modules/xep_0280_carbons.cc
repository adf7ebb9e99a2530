// XEP-0280: Message Carbons: what a user sends and receives with one client, his others see too.
//
// A message that is kept for a user who is away is copied to nobody: it comes to his resources
// later, as itself. The <private/> element stays in a message (§9: removing it would let a sender
// say in secret who gets copies).
#include "modules/carbon_rules.h"
#include "modules/modules.h"
#include "modules/stanza_id.h"
#include "stanza/ns.h"

#include <algorithm>
#include <memory>
#include <string_view>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::SlotKey;
using router::User;

// Of a session: made when it enables carbons for the first time.
const SlotKey<bool> kEnabled;
// Of a user: made when a message is copied for the first time.
const SlotKey<EligibleMessages> kEligible;

bool has_carbons(const ConnectedResource& resource) {
  const bool* enabled = resource.slots.find(kEnabled);
  return enabled && *enabled;
}

// §4, §5. Asking twice is no error (§10.1).
IqReply switch_carbons(const IqRequest& request, bool on) {
  if (!request.session) return fail(Errc::kNotAllowed, "carbons are for sessions of this server");
  request.session->slots.get(kEnabled) = on;
  return xml::Element{};
}

// docs/security.md: only a user's own server says what his other clients sent and received. Whoever
// else writes so (§11: CVE-2017-5589 and others) is heard without it.
void strip_forged(Stanza& message) {
  message.edit().remove_children_if([](xml::ElementView child) {
    return child.ns() == ns::kCarbons && (child.name() == "sent" || child.name() == "received");
  });
}

// §7, §8: the same envelope, each with its own name.
// `id`: what the user's archive calls a message of his own; empty where it has none.
Stanza wrap(const User& user, const Stanza& message, CarbonDirection direction,
            std::string_view id) {
  // The type of what is inside; but an error would have to say which (RFC 6120 §8.3.1).
  Stanza carbon(StanzaKind::kMessage, message.is_error() ? StanzaType::kChat : message.type());
  carbon.set_from(user.bare);
  xml::Element inside = message.xml().clone();
  // So that his other clients know it again in the archive (XEP-0359 §3).
  if (!id.empty()) add_stanza_id(inside.ref(), user.bare, id);
  carbon.edit()
      .append(ns::kCarbons, direction == CarbonDirection::kSent ? "sent" : "received")
      .append(ns::kForward, "forwarded")
      .append(std::move(inside));
  return carbon;
}

// To every session with carbons that `has_it` does not name.
template <class HasIt>
void copy(User& user, const Stanza& message, CarbonDirection direction, std::string_view id,
          HasIt has_it) {
  std::vector<ConnectedResource*> to;
  for (const auto& resource : user.resources) {
    if (has_carbons(*resource) && !has_it(*resource)) to.push_back(resource.get());
  }
  if (to.empty()) return;
  if (!is_carbon_eligible(message, direction, user.slots.find(kEligible))) return;
  if (!message.is_error()) {
    const Jid& peer = direction == CarbonDirection::kSent ? *message.to() : *message.from();
    user.slots.get(kEligible).note(message, peer);
  }
  const Stanza carbon = wrap(user, message, direction, id);
  for (ConnectedResource* resource : to) resource->endpoint->deliver(carbon, resource->jid.str());
}

Flow sent(router::StanzaOutgoing& event) {
  User& user = *event.sender.user;
  // What goes to the own account arrives here again, and is then copied to who does not get it.
  if (event.stanza.to()->same_bare(user.bare)) return Flow::kContinue;
  copy(user, event.stanza, CarbonDirection::kSent, event.archive_id,
       [&event](const ConnectedResource& resource) { return &resource == &event.sender; });
  return Flow::kContinue;
}

Flow received(router::MessageDelivering& event) {
  const auto& from = event.stanza.from();
  if (!from) return Flow::kContinue;
  copy(event.user, event.stanza, CarbonDirection::kReceived, {},
       [&event, &from](const ConnectedResource& resource) {
         // The sender has it too, when it is one of the same user.
         return resource.jid == *from ||
                std::ranges::find(event.recipients, &resource) != event.recipients.end();
       });
  return Flow::kContinue;
}

void attach_carbons(Registrar& on, Server&, const NoOptions&) {
  on.feature(ns::kCarbons);
  on.feature(ns::kCarbonRules);
  on.iq_set({ns::kCarbons, "enable"}, Target::kAccount, Access::kOwner,
            [](const IqRequest& request) { return switch_carbons(request, true); });
  on.iq_set({ns::kCarbons, "disable"}, Target::kAccount, Access::kOwner,
            [](const IqRequest& request) { return switch_carbons(request, false); });
  // XEP-0386 §3.1, §3.2
  on.on<router::InlineFeatures>([](router::InlineFeatures& event) {
    event.features.append("feature").set("var", ns::kCarbons);
    return Flow::kContinue;
  });
  on.on<router::InlineEnable>([](router::InlineEnable& event) {
    if (!event.feature.is(ns::kCarbons, "enable")) return Flow::kContinue;
    event.resource.slots.get(kEnabled) = true;
    return Flow::kStop;
  });

  // XEP-0198 §5: what a session had before it was resumed holds on.
  on.on<router::SessionSaving>([](router::SessionSaving& event) {
    if (has_carbons(event.resource)) event.state.append(ns::kCarbons, "enable");
    return Flow::kContinue;
  });
  on.on<router::SessionRestoring>([](router::SessionRestoring& event) {
    if (event.state.child(ns::kCarbons, "enable")) event.resource.slots.get(kEnabled) = true;
    return Flow::kContinue;
  });

  const auto strip = [](auto& event) {
    strip_forged(event.stanza);
    return Flow::kContinue;
  };
  on.on<router::StanzaOutgoing>(StanzaKind::kMessage, Priority::kEarly, strip);
  on.on<router::StanzaIncoming>(StanzaKind::kMessage, Priority::kEarly, strip);
  // Last: what another module stops is not sent, and what it changes is what others see.
  on.on<router::StanzaOutgoing>(StanzaKind::kMessage, Priority::kLast,
                                [](router::StanzaOutgoing& event) { return sent(event); });
  on.on<router::MessageDelivering>(
      Priority::kLast, [](router::MessageDelivering& event) { return received(event); });
}

}  // namespace

extern const ModuleSpec xep_0280_carbons = router::module<NoOptions>(
    "carbons", {{"XEP-0280", "1.0.1"}, {"XEP-0297", "1.0"}, {"XEP-0334", "1.0.0"}},
    "Copies messages to a user's other clients.", {}, attach_carbons);

}  // namespace balcony::modules
