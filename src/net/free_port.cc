#include "net/free_port.h"

#include "net/file_descriptor.h"
#include "net/socket_address.h"

#include <sys/socket.h>

namespace balcony {
namespace {

bool can_bind(const SocketAddress& address) noexcept {
  const FileDescriptor fd(
      ::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = address.to_system(storage);
  // Two sockets that only bind may share a port under SO_REUSEADDR; listening tells.
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 &&
         ::listen(fd.get(), 1) == 0;
}

}  // namespace

std::uint16_t find_free_port(const std::string& address, std::uint16_t from) noexcept {
  constexpr int kTriesMax = 100;
  for (int port = from; port < from + kTriesMax && port <= 65'535; ++port) {
    const auto candidate = SocketAddress::parse(address, static_cast<std::uint16_t>(port));
    if (candidate && can_bind(*candidate)) return candidate->port();
  }
  return 0;
}

}  // namespace balcony
