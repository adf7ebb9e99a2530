#include "sasl/crypto.h"

#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace balcony::sasl {
namespace {

const EVP_MD* md(ScramHash hash) {
  switch (hash) {
    case ScramHash::kSha1: return EVP_sha1();
    case ScramHash::kSha256: return EVP_sha256();
    case ScramHash::kSha512: return EVP_sha512();
  }
  BALCONY_ASSERT(false, "a hash that is none");
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

std::string_view to_string(ScramHash hash) noexcept {
  switch (hash) {
    case ScramHash::kSha1: return "SHA-1";
    case ScramHash::kSha256: return "SHA-256";
    case ScramHash::kSha512: return "SHA-512";
  }
  return "unknown";
}

std::optional<ScramHash> scram_hash(std::string_view name) noexcept {
  for (const ScramHash hash : kScramHashes) {
    if (to_string(hash) == name) return hash;
  }
  return std::nullopt;
}

std::size_t digest_size(ScramHash hash) noexcept {
  switch (hash) {
    case ScramHash::kSha1: return 20;
    case ScramHash::kSha256: return 32;
    case ScramHash::kSha512: return 64;
  }
  return 0;
}

std::string digest(ScramHash hash, std::string_view bytes) {
  std::string out(digest_size(hash), '\0');
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), bytes_of(out), nullptr, md(hash), nullptr);
  BALCONY_ASSERT(done == 1, "libcrypto cannot hash");
  return out;
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view message) {
  // HMAC() takes a null key for "the one before".
  const unsigned char none = 0;
  const void* key_bytes = key.empty() ? &none : bytes_of(key);
  std::string out(digest_size(hash), '\0');
  const unsigned char* done = HMAC(md(hash), key_bytes, static_cast<int>(key.size()),
                                   bytes_of(message), message.size(), bytes_of(out), nullptr);
  BALCONY_ASSERT(done != nullptr, "libcrypto cannot compute an HMAC");
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  BALCONY_ASSERT(a.size() == b.size(), "exclusive or of two lengths");
  std::string out(a);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

void wipe(std::string& secret) noexcept {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace balcony::sasl
