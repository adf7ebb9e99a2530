#include "sasl/scram_keys.h"

#include "base/assert.h"
#include "precis/precis.h"

#include <span>

namespace balcony::sasl {

ScramKeys keys_of_salted(ScramHash hash, std::string_view salted, std::string_view salt,
                         std::uint32_t iterations) {
  // RFC 5802 §3.
  std::string client_key = hmac(hash, salted, "Client Key");
  ScramKeys keys{.hash = hash,
                 .iterations = iterations,
                 .salt = std::string(salt),
                 .stored_key = digest(hash, client_key),
                 .server_key = hmac(hash, salted, "Server Key")};
  wipe(client_key);
  return keys;
}

Result<ScramKeys> derive_keys(ScramHash hash, std::string_view password, std::string_view salt,
                              std::uint32_t iterations) {
  BALCONY_ASSIGN(std::string prepared, precis::opaque_string(password));
  std::string salted = pbkdf2(hash, prepared, salt, iterations);
  wipe(prepared);
  ScramKeys keys = keys_of_salted(hash, salted, salt, iterations);
  wipe(salted);
  return keys;
}

Result<ScramKeys> derive_keys(ScramHash hash, std::string_view password, Random& random,
                              std::uint32_t iterations) {
  std::string salt(kSaltBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(salt)));
  return derive_keys(hash, password, std::string_view(salt), iterations);
}

bool verify_password(std::string_view password, const ScramKeys& keys) {
  if (keys.iterations == 0) return false;
  const auto derived =
      derive_keys(keys.hash, password, std::string_view(keys.salt), keys.iterations);
  return derived && equal_constant_time(derived->stored_key, keys.stored_key);
}

ScramKeys fake_keys(ScramHash hash, std::string_view username, std::string_view secret,
                    std::uint32_t iterations) {
  BALCONY_ASSERT(secret.size() >= 16, "fake keys need a secret");
  const auto make = [&](std::string_view what, std::size_t size) {
    std::string label(what);
    label.append(1, '\0').append(to_string(hash)).append(1, '\0').append(username);
    return hmac(ScramHash::kSha512, secret, label).substr(0, size);
  };
  return {.hash = hash,
          .iterations = iterations,
          .salt = make("salt", kSaltBytes),
          .stored_key = make("stored key", digest_size(hash)),
          .server_key = make("server key", digest_size(hash))};
}

}  // namespace balcony::sasl
