#include "payload/last_activity.h"

#include "base/number.h"
#include "stanza/ns.h"

#include <cstdint>

namespace balcony::payload {

xml::Element last_activity_query() {
  return xml::Element(ns::kLastActivity, "query");
}

xml::Element write_last_activity(const LastActivity& last) {
  xml::Element query = last_activity_query();
  query.set("seconds", std::to_string(last.ago.count()));
  if (!last.status.empty()) query.append_text(last.status);
  return query;
}

Result<LastActivity> read_last_activity(xml::ElementView query) {
  const auto seconds = read_number<std::uint32_t>(query.attr("seconds"));
  if (!query.is(ns::kLastActivity, "query") || !seconds) {
    return fail(Errc::kMalformed, "this is no last activity");
  }
  return LastActivity{std::chrono::seconds(*seconds), query.text()};
}

}  // namespace balcony::payload
