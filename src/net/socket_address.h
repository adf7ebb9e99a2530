// SocketAddress: an IP address and a port. A small value; any thread.
#pragma once

#include <balcony/result.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace balcony {

class SocketAddress {
 public:
  // 0.0.0.0:0
  SocketAddress() = default;

  // From a literal address, "127.0.0.1", "::1", "fe80::1%eth0" or "[::1]". Errors: kMalformed.
  static Result<SocketAddress> parse(std::string_view ip, std::uint16_t port);

  // From what the system gives; a mapped IPv4 address (::ffff:a.b.c.d) becomes IPv4.
  static SocketAddress from_system(const sockaddr& address) noexcept;
  // Fills `out` and returns the length to hand to bind(2) or connect(2).
  unsigned to_system(sockaddr_storage& out) const noexcept;

  bool is_v6() const noexcept { return v6_; }
  bool is_loopback() const noexcept;
  // Whether it is one of the open Internet's: no address of this machine, of private networks, of
  // groups, or kept for other purposes (RFC 6890 §2.2). Who goes where strangers say asks this.
  bool is_public() const noexcept;
  std::uint16_t port() const noexcept { return port_; }
  void set_port(std::uint16_t port) noexcept { port_ = port; }

  // "127.0.0.1", "::1"
  std::string ip() const;
  // "127.0.0.1:5222", "[::1]:5222"
  std::string to_string() const;

  // The part that one customer has: the IPv4 address, or the first 64 bits of an IPv6 address.
  // For limits per address.
  SocketAddress network() const noexcept;

  auto operator<=>(const SocketAddress&) const = default;

 private:
  friend struct SocketAddressHash;
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  bool v6_ = false;
};

struct SocketAddressHash {
  std::size_t operator()(const SocketAddress& address) const noexcept;
};

}  // namespace balcony
