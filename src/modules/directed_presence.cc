#include "modules/directed_presence.h"

namespace balcony::modules {

using router::ConnectedResource;
using router::Flow;

router::Flow track_directed(router::StanzaOutgoing& event, std::size_t entities_max) {
  ConnectedResource& sender = event.sender;
  const Jid& to = *event.stanza.to();
  if (event.stanza.type() == StanzaType::kUnavailable) {
    sender.directed.erase(to);  // RFC 6121 §4.6.3, third rule
    return Flow::kContinue;
  }
  if (event.stanza.type() != StanzaType::kAvailable) return Flow::kContinue;
  // §4.6.3, first rule: who gets the broadcasts of this resource anyway is not noted.
  if (sender.available && sender.user->may_see_presence(to)) return Flow::kContinue;
  if (sender.directed.size() >= entities_max && !sender.directed.contains(to)) {
    event.error = Error(Errc::kResourceConstraint, "presence was sent to too many entities");
    return Flow::kStop;
  }
  sender.directed.insert(to);
  return Flow::kContinue;
}

void forget_directed(router::User& user, const Stanza& stanza) {
  const Jid& to = *stanza.to();
  for (const auto& resource : user.resources) {
    if (to.is_bare() || resource->jid == to) resource->directed.erase(*stanza.from());
  }
}

}  // namespace balcony::modules
