#include "modules/pubsub/event.h"

#include "modules/pubsub/node_config.h"
#include "stanza/ns.h"

#include <utility>

namespace balcony::modules::pubsub {
namespace {

xml::Element node_event(std::string_view what, std::string_view node) {
  xml::Element event(ns::kPubsubEvent, "event");
  event.append(what).set("node", node);
  return event;
}

}  // namespace

xml::Element item_event(std::string_view node, xml::ElementView item, Payload payload) {
  xml::Element event(ns::kPubsubEvent, "event");
  xml::ElementRef items = event.append("items");
  items.set("node", node);
  if (!item) return event;
  xml::ElementRef copy = items.append("item");
  copy.set("id", item.attr("id"));
  if (payload == Payload::kWith) copy.append_copy(item.first_child());
  return event;
}

xml::Element retract_event(std::string_view node, std::string_view id) {
  xml::Element event(ns::kPubsubEvent, "event");
  xml::ElementRef items = event.append("items");
  items.set("node", node);
  items.append("retract").set("id", id);
  return event;
}

xml::Element purge_event(std::string_view node) {
  return node_event("purge", node);
}

xml::Element delete_event(std::string_view node) {
  return node_event("delete", node);
}

xml::Element configuration_event(std::string_view node, const NodeConfig& config) {
  xml::Element event(ns::kPubsubEvent, "event");
  xml::ElementRef configuration = event.append("configuration");
  configuration.set("node", node);
  if (config.deliver_payloads) {
    configuration.append(write_data_form(config_form(config, FormType::kResult)));
  }
  return event;
}

Stanza notification(const Jid& service, const NodeConfig& config, xml::Element event) {
  Stanza message(StanzaKind::kMessage,
                 config.headline ? StanzaType::kHeadline : StanzaType::kNormal);
  message.set_from(service);
  message.edit().append(std::move(event));
  return message;
}

}  // namespace balcony::modules::pubsub
