#include "modules/xep_0160_offline/rules.h"

#include "stanza/ns.h"

namespace balcony::modules {

bool only_chat_states(xml::ElementView message) {
  bool any = false;
  for (const xml::ElementView child : message.children()) {
    if (child.is(ns::kHints, "store")) return false;  // XEP-0334 §4.4
    if (child.ns() == ns::kChatStates) {
      any = true;
    } else if (child.ns() != ns::kStanzaId && child.ns() != ns::kHints &&
               child.ns() != ns::kDelay && !child.is(ns::kClient, "thread")) {
      return false;
    }
  }
  return any;
}

bool is_stored_offline(const Stanza& message) {
  if (message.type() != StanzaType::kNormal && message.type() != StanzaType::kChat) return false;
  return !message.xml().child(ns::kHints, "no-store");  // XEP-0334 §4.2
}

}  // namespace balcony::modules
