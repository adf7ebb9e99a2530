#include "payload/time.h"

#include "stanza/datetime.h"
#include "stanza/ns.h"

namespace balcony::payload {

xml::Element time_query() {
  return xml::Element(ns::kTime, "time");
}

xml::Element write_time(const EntityTime& time) {
  xml::Element element = time_query();
  element.append_text_element("tzo", format_offset(time.zone));
  element.append_text_element("utc", format_datetime(time.utc));
  return element;
}

Result<EntityTime> read_time(xml::ElementView element) {
  if (!element.is(ns::kTime, "time")) return fail(Errc::kMalformed, "this is no entity time");
  BALCONY_ASSIGN(const auto utc, parse_datetime(element.child_text(ns::kTime, "utc")));
  BALCONY_ASSIGN(const auto zone, parse_offset(element.child_text(ns::kTime, "tzo")));
  return EntityTime{utc, zone};
}

}  // namespace balcony::payload
