// Entity time on the wire (XEP-0202). Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

namespace balcony::payload {

xml::Element time_query();
xml::Element write_time(const EntityTime& time);
// Errors: kMalformed: `element` is none, or what it says is no date or offset (XEP-0082).
Result<EntityTime> read_time(xml::ElementView element);

}  // namespace balcony::payload
