// AddressCounts: how many connections each address has, with a limit. Any thread.
#pragma once

#include "net/connection.h"
#include "net/socket_address.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace balcony {

class AddressCounts : public std::enable_shared_from_this<AddressCounts> {
 public:
  // `each_max`: connections for one IPv4 address or IPv6 /64.
  explicit AddressCounts(std::size_t each_max) : each_max_(each_max) {}

  // A place for a connection from `peer`; null when its address has all that it may have.
  std::unique_ptr<AddressSlot> enter(const SocketAddress& peer);

  std::size_t addresses() const;

 private:
  class Slot;
  void leave(const SocketAddress& network) noexcept;

  const std::size_t each_max_;
  mutable std::mutex mutex_;
  std::unordered_map<SocketAddress, std::size_t, SocketAddressHash> counts_;
};

}  // namespace balcony
