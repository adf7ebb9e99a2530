// What service discovery says (XEP-0030 §3.1), forms in it (XEP-0128), and its hash (XEP-0115
// §5.1): what several modules share.
#pragma once

#include "router/module.h"
#include "stanza/data_form.h"

#include <string>
#include <string_view>

namespace balcony::modules {

// The <query/> of disco#info for the host (`account` null) or an account, asked by `from`:
// identity, the features that modules declared, and what they add by the DiscoInfo event.
xml::Element disco_info(router::Server& server, const router::User* account, const Jid& from);

// Adds a form with more about who is asked (XEP-0128 §2) to the answer: its fields go into the form
// of the same FORM_TYPE when there is one already, so that several modules can say parts of it.
void add_info_form(xml::Element& query, const DataForm& form);

// The verification string's hash (XEP-0115 §5.1) of a disco#info <query/>: base64 of SHA-1.
std::string caps_hash(xml::ElementView query);

// Where the host's capabilities are looked up: `kCapsNode#hash`. XEP-0115 §4 recommends the address
// of the software's pages; Balcony has none, so it is a name that is nobody else's (RFC 9562).
inline constexpr std::string_view kCapsNode = "urn:uuid:6f0b3c1e-2d57-4c1b-9a43-8be1f0a7d2c5";
bool is_caps_node(router::Server& server, std::string_view node);

}  // namespace balcony::modules
