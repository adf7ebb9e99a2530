// A component's privileges (XEP-0356) as a host announces them, and what is built with them. Used
// by Component and ComponentCore. Pure functions; any thread.
#pragma once

#include <balcony/component.h>

#include <optional>

namespace balcony::client {

// Of a message from a host; nullopt: it announces none. What is not understood is not granted.
std::optional<ComponentPrivileges> read_privileges(xml::ElementView message);

// What is sent to the host so that it sends `message`.
xml::Element wrap_message(xml::Element message, const Jid& host);
// What is sent to the bare JID of a user so that `iq` is sent in his name.
xml::Element wrap_request(xml::Element iq, const Jid& user);
// The payload of the answer that is in the answer to wrap_request(). Errors: what the stanza error
// in it says; kMalformed: there is no answer in it.
Result<xml::Element> unwrap_answer(xml::ElementView payload);

}  // namespace balcony::client
