// The names of the SASL mechanisms that we speak, and what a SCRAM name says. Any thread.
#pragma once

#include "sasl/crypto.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::sasl {

inline constexpr std::string_view kPlain = "PLAIN";          // RFC 4616
inline constexpr std::string_view kExternal = "EXTERNAL";    // RFC 4422 appendix A
inline constexpr std::string_view kAnonymous = "ANONYMOUS";  // RFC 4505

// No message of ours comes near; a longer one is refused before it is looked at.
inline constexpr std::size_t kMessageBytesMax = 8192;

// A SCRAM mechanism (RFC 5802 §4): "SCRAM-" hash [ "-PLUS" ].
struct ScramName {
  ScramHash hash = ScramHash::kSha1;
  bool plus = false;  // with channel binding

  bool operator==(const ScramName&) const = default;
};

// "SCRAM-SHA-256-PLUS".
std::string to_string(ScramName name);

// Nothing if `mechanism` is no SCRAM mechanism that we speak.
std::optional<ScramName> scram_name(std::string_view mechanism);

}  // namespace balcony::sasl
