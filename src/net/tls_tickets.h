// TicketKeys: the keys of session tickets (RFC 5077, RFC 8446 §4.6.1), changed every 12 hours. The
// newest encrypts, the one before still decrypts, so a ticket lives 12 to 24 hours. Any thread.
#pragma once

#include "base/clock.h"

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

namespace balcony::tls {

class TicketKeys {
 public:
  static constexpr std::chrono::hours kLifetime{12};

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    Instant made;
  };

  // The key to encrypt with at `now`; makes a new one when the newest is too old.
  Key newest(Instant now);

  struct Found {
    Key key;
    bool is_newest;
  };
  // The key with this name, if it may still be used at `now`.
  std::optional<Found> find(const unsigned char* name, Instant now);

  // Makes tickets of `ctx` use `keys`, which must outlive it.
  static void attach(SSL_CTX* ctx, TicketKeys& keys);

 private:
  void rotate(Instant now);

  std::mutex mutex_;
  std::optional<Key> newest_;
  std::optional<Key> previous_;
};

}  // namespace balcony::tls
