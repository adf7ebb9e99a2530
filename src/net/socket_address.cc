#include "net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>

namespace balcony {
namespace {

// The first `bits` of an address.
struct Block {
  std::array<std::uint8_t, 4> bytes;
  int bits;
};

// RFC 6890 §2.2.2, and groups (RFC 5771) with all above them.
constexpr Block kSpecialV4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},  {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 3},
};
// RFC 4291 §2.4: 2000::/3 is what is given out; in it those of protocols, documentation and 6to4,
// which hold any IPv4 address.
constexpr Block kSpecialV6[] = {
    {{0x20, 0x01, 0, 0}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02, 0, 0}, 16}};

bool is_in(const std::array<std::uint8_t, 16>& address, const Block& block) {
  for (int bit = 0; bit < block.bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((address[at] & mask) != (block.bytes[at] & mask)) return false;
  }
  return true;
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view ip, std::uint16_t port) {
  std::string text(ip);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  SocketAddress result;
  result.port_ = port;
  if (text.contains('\0')) return fail(Errc::kMalformed, "an address holds a zero byte");
  if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    std::memcpy(result.bytes_.data(), &v4, sizeof v4);
    return result;
  }
  if (const std::size_t percent = text.find('%'); percent != std::string::npos) {
    result.scope_ = if_nametoindex(text.c_str() + percent + 1);  // RFC 4007 §11: the zone
    if (result.scope_ == 0) return fail(Errc::kMalformed, "no such network interface: " + text);
    text.resize(percent);
  }
  if (in6_addr v6{}; inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    std::memcpy(result.bytes_.data(), &v6, sizeof v6);
    result.v6_ = true;
    return result;
  }
  return fail(Errc::kMalformed, "not an IP address: " + std::string(ip));
}

SocketAddress SocketAddress::from_system(const sockaddr& address) noexcept {
  SocketAddress result;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(result.bytes_.data(), &v4.sin_addr, sizeof v4.sin_addr);
    result.port_ = ntohs(v4.sin_port);
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    result.port_ = ntohs(v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      std::memcpy(result.bytes_.data(), v6.sin6_addr.s6_addr + 12, 4);
    } else {
      std::memcpy(result.bytes_.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
      result.scope_ = v6.sin6_scope_id;
      result.v6_ = true;
    }
  }
  return result;
}

unsigned SocketAddress::to_system(sockaddr_storage& out) const noexcept {
  std::memset(&out, 0, sizeof out);
  if (v6_) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port_);
    v6.sin6_scope_id = scope_;
    std::memcpy(&v6.sin6_addr, bytes_.data(), sizeof v6.sin6_addr);
    std::memcpy(&out, &v6, sizeof v6);
    return sizeof v6;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port_);
  std::memcpy(&v4.sin_addr, bytes_.data(), sizeof v4.sin_addr);
  std::memcpy(&out, &v4, sizeof v4);
  return sizeof v4;
}

bool SocketAddress::is_loopback() const noexcept {
  if (!v6_) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; }) &&
         bytes_.back() == 1;
}

bool SocketAddress::is_public() const noexcept {
  const auto holds_this = [this](const Block& block) { return is_in(bytes_, block); };
  if (!v6_) return std::none_of(std::begin(kSpecialV4), std::end(kSpecialV4), holds_this);
  return is_in(bytes_, {{0x20, 0, 0, 0}, 3}) &&
         std::none_of(std::begin(kSpecialV6), std::end(kSpecialV6), holds_this);
}

std::string SocketAddress::ip() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

std::string SocketAddress::to_string() const {
  const std::string port = ":" + std::to_string(port_);
  return v6_ ? "[" + ip() + "]" + port : ip() + port;
}

SocketAddress SocketAddress::network() const noexcept {
  SocketAddress result = *this;
  result.port_ = 0;
  result.scope_ = 0;
  // RFC 6177 §2: a site gets a /64 at least, and can use every address of it.
  if (v6_) std::fill(result.bytes_.begin() + 8, result.bytes_.end(), std::uint8_t{0});
  return result;
}

std::size_t SocketAddressHash::operator()(const SocketAddress& address) const noexcept {
  const auto* bytes = reinterpret_cast<const char*>(address.bytes_.data());
  return std::hash<std::string_view>()(std::string_view(bytes, address.bytes_.size())) ^
         address.port_;
}

}  // namespace balcony
