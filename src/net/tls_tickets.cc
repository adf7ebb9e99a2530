#include "net/tls_tickets.h"

#include "base/assert.h"
#include "base/random.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace balcony::tls {
namespace {

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool use_key(const TicketKeys::Key& key, EVP_MAC_CTX* mac) {
  char digest[] = "SHA256";
  auto* bytes = const_cast<unsigned char*>(key.mac.data());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// RFC 5077 §4: the recommended construction, with AES-256-CBC and HMAC-SHA-256. Returns what
// SSL_CTX_set_tlsext_ticket_key_evp_cb(3) asks for: 1 to use the ticket, 2 to use and renew it, 0
// for a full handshake.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int encrypting) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (keys == nullptr) return 0;
  const Instant now = std::chrono::steady_clock::now();
  if (encrypting != 0) {
    const TicketKeys::Key key = keys->newest(now);
    std::copy(key.name.begin(), key.name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1)
      return -1;
    return use_key(key, mac) ? 1 : -1;
  }
  const auto found = keys->find(name, now);
  if (!found) return 0;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found->key.cipher.data(), iv) != 1) {
    return -1;
  }
  if (!use_key(found->key, mac)) return -1;
  // RFC 8446 §C.4: a ticket should be used once, so TLS 1.3 always gets a new one.
  return found->is_newest && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

}  // namespace

TicketKeys::Key TicketKeys::newest(Instant now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return *newest_;
}

std::optional<TicketKeys::Found> TicketKeys::find(const unsigned char* name, Instant now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  const auto is_named = [name](const std::optional<Key>& key) {
    return key && std::memcmp(key->name.data(), name, key->name.size()) == 0;
  };
  if (is_named(newest_)) return Found(*newest_, true);
  if (is_named(previous_) && now - previous_->made < 2 * kLifetime) return Found(*previous_, false);
  return std::nullopt;
}

void TicketKeys::rotate(Instant now) {
  if (newest_ && now - newest_->made < kLifetime) return;
  previous_ = newest_;
  Key key{};
  system_random().fill(std::as_writable_bytes(std::span(key.name)));
  system_random().fill(std::as_writable_bytes(std::span(key.cipher)));
  system_random().fill(std::as_writable_bytes(std::span(key.mac)));
  key.made = now;
  newest_ = key;
}

void TicketKeys::attach(SSL_CTX* ctx, TicketKeys& keys) {
  const int done = SSL_CTX_set_ex_data(ctx, keys_index(), &keys);
  BALCONY_ASSERT(done == 1, "no memory for TLS");
  SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
  SSL_CTX_set_timeout(ctx, std::chrono::seconds(2 * kLifetime).count());
  SSL_CTX_set_num_tickets(ctx, 1);
}

}  // namespace balcony::tls
