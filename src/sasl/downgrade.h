// Protection of the lists that a server announces against who is in between (XEP-0474): SCRAM's
// first message carries their hash. Functions without state; any thread.
#pragma once

#include "sasl/crypto.h"

#include <span>
#include <string>
#include <string_view>

namespace balcony::sasl {

// The text of XEP-0474 §5.1, before it is hashed: the mechanisms, and the channel binding types if
// any were announced (XEP-0440), each sorted.
//
// `mechanisms`  of the profile that the client uses: RFC 6120's list, or XEP-0388's.
std::string announced_text(std::span<const std::string> mechanisms,
                           std::span<const std::string> binding_types);

// The value of SCRAM's attribute h: that text's hash, in base64.
std::string announced_hash(ScramHash hash, std::string_view text);

}  // namespace balcony::sasl
