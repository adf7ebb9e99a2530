// vCard4 in XML (RFC 6351), as far as VCard has it. Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

namespace balcony::payload {

// Errors: kMalformed: it is no <vcard/>.
Result<VCard> read_vcard4(xml::ElementView vcard);

// `card` in place of what `before` (or null) says of the same; what it says beside stays.
xml::Element write_vcard4(const VCard& card, xml::ElementView before);

}  // namespace balcony::payload
