#include "payload/last_activity.h"

#include "stanza/ns.h"

#include <charconv>
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
  const std::string_view seconds = query.attr("seconds");
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(seconds.begin(), seconds.end(), count);
  if (!query.is(ns::kLastActivity, "query") || error != std::errc{} || end != seconds.end()) {
    return fail(Errc::kMalformed, "this is no last activity");
  }
  return LastActivity{std::chrono::seconds(count), query.text()};
}

}  // namespace balcony::payload
