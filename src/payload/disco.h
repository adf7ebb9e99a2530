// Service discovery on the wire (XEP-0030). Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

#include <string_view>
#include <vector>

namespace balcony::payload {

// The queries. `node` may be empty.
xml::Element disco_info_query(std::string_view node = {});
xml::Element disco_items_query(std::string_view node = {});

// The answer to disco#info.
xml::Element write_disco_info(const DiscoInfo& info);

// Errors: kMalformed: `query` is none.
Result<DiscoInfo> read_disco_info(xml::ElementView query);
// Items without a valid JID are left out.
Result<std::vector<DiscoItem>> read_disco_items(xml::ElementView query);

}  // namespace balcony::payload
