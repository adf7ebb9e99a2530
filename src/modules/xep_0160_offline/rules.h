// Which messages the offline store keeps (XEP-0160 §3, XEP-0334). Pure functions.
#pragma once

#include "stanza/stanza.h"

namespace balcony::modules {

// XEP-0160 §3: only chat states (XEP-0085), with whatever says how the message is to be treated:
// nobody misses it.
bool only_chat_states(xml::ElementView message);

// §3, by type and content.
bool is_stored_offline(const Stanza& message);

}  // namespace balcony::modules
