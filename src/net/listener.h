// Listener: accepts connections on an address and deals them out to the shards.
//
// One acceptor on one shard gives each new connection to the next shard in turn. SO_REUSEPORT with
// an acceptor per shard would save the hop (paid once a connection, and in batches), but the kernel
// deals by hash: shards fill unevenly, limits per address need a lock for each connection, and
// closing one of the sockets resets the connections in its queue.
//
// When descriptors run out, a reserve descriptor is used to take and drop the connections that wait
// (they would otherwise keep the loop awake), accepting rests for a moment, and one line is logged.
//
// Threads: made and destroyed on any thread that is no shard; address() and counts from any.
#pragma once

#include "net/connection.h"
#include "net/shard.h"
#include "net/socket_address.h"

#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace balcony {

struct ListenerOptions {
  // A literal address; empty: all addresses, IPv6 and IPv4 where there are both.
  std::string address;
  std::uint16_t port = 0;  // 0: the system chooses, see Listener::address()
  int backlog = 1024;
  // Connections at the same time from one IPv4 address or IPv6 /64; more are closed at once.
  // Counted until Connection::leave_address_limit() or the connection's end. 0: no limit.
  std::size_t connections_per_address_max = 0;
  // New connections a second; more wait in the backlog. 0: no limit.
  std::size_t accepts_per_second_max = 0;
  std::size_t acceptor_shard = 0;  // where the acceptor runs
  ConnectionOptions connection;    // for each new connection
};

class Listener {
 public:
  // Called on the shard where `connection` lives, from now on the callee's. Shared by all shards;
  // what it refers to has to outlive their threads, as a call may be under way to a shard while
  // the listener is destroyed.
  using OnConnection = std::function<void(ConnectionPtr connection)>;

  // Binds and listens. `shards` has to outlive the listener.
  //
  // Errors: kIo, with the address and the system's reason (in use, not permitted).
  static Result<std::unique_ptr<Listener>> listen(ShardSet& shards, ListenerOptions options,
                                                  OnConnection on_connection);
  // Stops listening; connections that were accepted go on.
  ~Listener();

  // The address with the port that was bound.
  const SocketAddress& address() const noexcept { return address_; }

  // Connections accepted so far, and those refused by the limit per address or for want of
  // descriptors.
  std::uint64_t accepted() const noexcept;
  std::uint64_t refused() const noexcept;

 private:
  class Acceptor;
  Listener(std::shared_ptr<Acceptor> acceptor, SocketAddress address);

  std::shared_ptr<Acceptor> acceptor_;
  SocketAddress address_;
};

}  // namespace balcony
