#include "payload/pubsub.h"

#include "stanza/data_form.h"
#include "stanza/ns.h"

#include <utility>

namespace balcony::payload {

xml::Element pubsub_items_query(std::string_view node, std::uint32_t newest) {
  xml::Element pubsub(ns::kPubsub, "pubsub");
  xml::ElementRef items = pubsub.append("items").set("node", node);
  if (newest > 0) items.set("max_items", std::to_string(newest));
  return pubsub;
}

xml::Element pubsub_publish(std::string_view node, xml::Element payload,
                            const PublishOptions& options) {
  xml::Element pubsub(ns::kPubsub, "pubsub");
  xml::ElementRef item = pubsub.append("publish").set("node", node).append("item");
  if (!options.id.empty()) item.set("id", options.id);
  item.append(std::move(payload));
  if (options.preconditions.empty()) return pubsub;
  DataForm form(FormType::kSubmit, ns::kPubsubPublishOptions);
  for (const auto& [name, value] : options.preconditions) form.set("pubsub#" + name, value);
  pubsub.append("publish-options").append(write_data_form(form));
  return pubsub;
}

xml::Element pubsub_retract(std::string_view node, std::string_view id) {
  xml::Element pubsub(ns::kPubsub, "pubsub");
  xml::ElementRef retract = pubsub.append("retract");
  retract.set("node", node).set("notify", "true");
  retract.append("item").set("id", id);
  return pubsub;
}

Result<std::vector<PubsubItem>> read_pubsub_items(xml::ElementView pubsub) {
  const xml::ElementView items = pubsub.child(ns::kPubsub, "items");
  if (!pubsub.is(ns::kPubsub, "pubsub") || !items) {
    return fail(Errc::kMalformed, "this is no answer with items");
  }
  std::vector<PubsubItem> all;
  for (const xml::ElementView item : items.children(ns::kPubsub, "item")) {
    PubsubItem& made = all.emplace_back();
    made.id = item.attr("id");
    if (const xml::ElementView payload = item.first_child()) made.payload = payload.clone();
  }
  return all;
}

std::string read_published_id(xml::ElementView pubsub) {
  const xml::ElementView publish = pubsub.child(ns::kPubsub, "publish");
  return std::string(publish.child(ns::kPubsub, "item").attr("id"));
}

}  // namespace balcony::payload
