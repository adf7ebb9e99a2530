// Software version on the wire (XEP-0092). Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

namespace balcony::payload {

xml::Element version_query();
xml::Element write_version(const SoftwareVersion& version);
// Errors: kMalformed: `query` is none, or has neither name nor version.
Result<SoftwareVersion> read_version(xml::ElementView query);

}  // namespace balcony::payload
