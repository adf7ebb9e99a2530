// The token mechanisms of draft-schmaus-kitten-sasl-ht-09: HT-SHA-256-EXPR and its kin. One message
// each way, both an HMAC of the token; used with the tokens of XEP-0484.
//
// Used by the machines of both ends, and by whoever keeps tokens to find the one that fits.
// Functions without state; any thread.
#pragma once

#include "sasl/channel_binding.h"
#include "sasl/crypto.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::sasl {

struct VerifyToken;

// "HT-" hash "-" channel binding (draft §2).
struct HtName {
  enum class Binding : std::uint8_t { kNone, kEndPoint, kExporter };

  ScramHash hash = ScramHash::kSha256;
  Binding binding = Binding::kNone;

  bool operator==(const HtName&) const = default;
};

// "HT-SHA-256-EXPR".
std::string to_string(HtName name);

// Nothing if `mechanism` is no HT mechanism that we speak: SHA-256 or SHA-512, bound by EXPR
// (tls-exporter), ENDP (tls-server-end-point) or not (NONE).
std::optional<HtName> ht_name(std::string_view mechanism);

// The channel binding type that goes with it; empty for NONE.
std::string_view binding_type(HtName::Binding binding) noexcept;

// What a connection with these bindings can do, the best first.
std::vector<std::string> ht_mechanisms(std::span<const ChannelBinding> bindings);

// What the initiator and the responder prove with (draft §3.1, §3.3): HMAC(token, who || cb-data).
std::string ht_initiator_proof(ScramHash hash, std::string_view token, std::string_view binding);
std::string ht_responder_proof(ScramHash hash, std::string_view token, std::string_view binding);

// Whether the peer that `asked` comes from has this token, in constant time. Any of several tokens
// may be tried.
bool fits(const VerifyToken& asked, std::string_view token);

}  // namespace balcony::sasl
