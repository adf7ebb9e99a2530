// Last activity on the wire (XEP-0012). Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

namespace balcony::payload {

xml::Element last_activity_query();
xml::Element write_last_activity(const LastActivity& last);
// Errors: kMalformed: `query` is none, or its seconds are no number.
Result<LastActivity> read_last_activity(xml::ElementView query);

}  // namespace balcony::payload
