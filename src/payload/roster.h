// Rosters on the wire (RFC 6121 §2): <query xmlns='jabber:iq:roster'/>. Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/payload.h>
#include <balcony/result.h>

#include <vector>

namespace balcony::payload {

// A query without items asks for the roster (RFC 6121 §2.1.3).
xml::Element roster_query();

// A roster set of one item (§2.3, §2.4); of a removal (§2.5).
xml::Element roster_set(const RosterItem& item);
xml::Element roster_remove(const Jid& jid);

// The items of a result or a push. One that has no valid JID is left out: a roster of hundreds is
// worth more than one bad entry. Errors: kMalformed: `query` is no roster query.
Result<std::vector<RosterItem>> read_roster(xml::ElementView query);

}  // namespace balcony::payload
