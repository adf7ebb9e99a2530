// Capability hashes of XEP-0390: what is hashed, and the name of the node where one asks. Pure; any
// thread.
#pragma once

#include <balcony/element.h>
#include <balcony/result.h>

#include <string>
#include <string_view>

namespace balcony::modules {

// XEP-0390 §4.1: the input of the hash function, of a disco#info <query/>. Errors: kMalformed for
// one that must not be hashed: with other elements, or forms that are tables or have no FORM_TYPE.
Result<std::string> caps2_input(xml::ElementView query);

// §4.2: the base64 of the input's SHA-256. Errors: as caps2_input().
Result<std::string> caps2_hash(xml::ElementView query);

// §4.3: "urn:xmpp:caps#sha-256." and the hash.
std::string caps2_node(std::string_view hash);

}  // namespace balcony::modules
