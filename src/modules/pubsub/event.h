// What subscribers are told: <event/> (XEP-0060 §7.1.2, §7.2.2, §8.2.5, §8.4.2, §8.5.2) and the
// message around it. Pure; any thread.
#pragma once

#include "modules/pubsub/node.h"
#include "stanza/stanza.h"

#include <balcony/element.h>

#include <string_view>

namespace balcony::modules::pubsub {

enum class Payload : std::uint8_t { kWithout, kWith };

// An item was published; `item` is an <item/> in the namespace of pubsub, or null for none.
xml::Element item_event(std::string_view node, xml::ElementView item, Payload payload);
xml::Element retract_event(std::string_view node, std::string_view id);
xml::Element purge_event(std::string_view node);
xml::Element delete_event(std::string_view node);
xml::Element configuration_event(std::string_view node, const NodeConfig& config);

// The message with an event, from the service; without `to` and id.
Stanza notification(const Jid& service, const NodeConfig& config, xml::Element event);

}  // namespace balcony::modules::pubsub
