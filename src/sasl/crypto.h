// The few primitives that SCRAM is made of (RFC 5802 §2.2), over libcrypto. Bytes are std::string.
//
// Used by the mechanisms and by whoever keeps tokens or keys. No state: any thread. pbkdf2() takes
// milliseconds and belongs in a worker, never on a shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::sasl {

// The hash functions that SCRAM is used with in XMPP (RFC 5802, RFC 7677).
enum class ScramHash : std::uint8_t { kSha1, kSha256, kSha512 };

inline constexpr ScramHash kScramHashes[] = {ScramHash::kSha512, ScramHash::kSha256,
                                             ScramHash::kSha1};  // strongest first

// "SHA-1", "SHA-256", "SHA-512": as in mechanism names and in storage.
std::string_view to_string(ScramHash hash) noexcept;

// The reverse; nothing for any other name.
std::optional<ScramHash> scram_hash(std::string_view name) noexcept;

// Length of a digest in bytes: 20, 32, 64.
std::size_t digest_size(ScramHash hash) noexcept;

// H(bytes).
std::string digest(ScramHash hash, std::string_view bytes);

// HMAC(key, message), RFC 2104.
std::string hmac(ScramHash hash, std::string_view key, std::string_view message);

// Hi(password, salt, iterations) of RFC 5802 §2.2: PBKDF2 with one block. `iterations` >= 1.
std::string pbkdf2(ScramHash hash, std::string_view password, std::string_view salt,
                   std::uint32_t iterations);

// Whether both are equal, in a time that depends on their lengths only.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

// a XOR b; both must have one length.
std::string exclusive_or(std::string_view a, std::string_view b);

// Overwrites a secret and empties the string.
void wipe(std::string& secret) noexcept;

}  // namespace balcony::sasl
