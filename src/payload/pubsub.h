// What clients ask of a publish-subscribe service (XEP-0060) and what it answers. Pure functions;
// any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::payload {

// The <pubsub/> of a request. §6.5; `newest`: 0 for all.
xml::Element pubsub_items_query(std::string_view node, std::uint32_t newest = 0);
// §7.1
xml::Element pubsub_publish(std::string_view node, xml::Element payload,
                            const PublishOptions& options);
// §7.2, with a notification.
xml::Element pubsub_retract(std::string_view node, std::string_view id);

// The items of the answer to pubsub_items_query(). Errors: kMalformed: it is none.
Result<std::vector<PubsubItem>> read_pubsub_items(xml::ElementView pubsub);
// The id of what was published; empty when the answer does not say it (§7.1.2).
std::string read_published_id(xml::ElementView pubsub);

}  // namespace balcony::payload
