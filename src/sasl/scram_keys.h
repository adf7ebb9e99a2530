// What a server keeps of a password for SCRAM (RFC 5802 §3): never the password.
//
// Used by the SCRAM machines and by whoever creates accounts or checks a plain password. No state:
// any thread. derive_keys() and verify_password() take milliseconds: call them in a worker.
#pragma once

#include "base/random.h"
#include "sasl/crypto.h"

#include <balcony/result.h>

namespace balcony::sasl {

// XEP-0438 §7: at least 10 000.
inline constexpr std::uint32_t kDefaultIterations = 10'000;
// XEP-0438 §6.2: at least 16 bytes.
inline constexpr std::size_t kSaltBytes = 16;

// The keys of one account for one hash. Bytes, not base64.
struct ScramKeys {
  ScramHash hash = ScramHash::kSha1;
  std::uint32_t iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;

  bool operator==(const ScramKeys&) const = default;
};

// Keys of `password`, which is prepared with OpaqueString (RFC 8265 §4.2) first.
// Errors: what precis::opaque_string() says of a password that is none (kPrecis…).
Result<ScramKeys> derive_keys(ScramHash hash, std::string_view password, std::string_view salt,
                              std::uint32_t iterations = kDefaultIterations);

// The same with a fresh salt of kSaltBytes.
Result<ScramKeys> derive_keys(ScramHash hash, std::string_view password, Random& random,
                              std::uint32_t iterations = kDefaultIterations);

// The keys of a SaltedPassword (RFC 5802 §3) that the user's client computed (XEP-0480 §3).
ScramKeys keys_of_salted(ScramHash hash, std::string_view salted, std::string_view salt,
                         std::uint32_t iterations);

// Whether `keys` came from `password`; false for a password that OpaqueString refuses.
bool verify_password(std::string_view password, const ScramKeys& keys);

// Keys for a user that does not exist: the same at every attempt and of the same shape as real
// ones, so that nobody learns who has an account (RFC 5802 §9). No password fits them. For PLAIN,
// call verify_password() with these, so that an unknown user takes the time of a known one.
// `secret`: at least 16 bytes that stay the same as long as accounts do, known to the server only.
ScramKeys fake_keys(ScramHash hash, std::string_view username, std::string_view secret,
                    std::uint32_t iterations = kDefaultIterations);

}  // namespace balcony::sasl
