// What the tests of net/ share: coroutines run on a shard from the test's thread, pairs of sockets.
#pragma once

#include "net/connection.h"
#include "net/file_descriptor.h"
#include "net/shard.h"

#include <balcony/task.h>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <string>
#include <type_traits>
#include <utility>

namespace balcony::test {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

template <class F>
using TaskValue = decltype(std::declval<std::invoke_result_t<F&>>().take());

template <class F, class T>
Task<> keep_promise(F make, std::promise<T> promise) {
  T value = co_await make();
  promise.set_value(std::move(value));
}

// Starts the coroutine that `make` returns on `shard`. `make` may be a lambda with captures: it
// lives as long as the coroutine.
template <class F>
std::future<TaskValue<F>> start_on(Shard& shard, F make) {
  std::promise<TaskValue<F>> promise;
  auto future = promise.get_future();
  shard.post([make = std::move(make), promise = std::move(promise)]() mutable {
    spawn(keep_promise<F, TaskValue<F>>(std::move(make), std::move(promise)));
  });
  return future;
}

// Waits for a future of start_on(); a test that hangs fails instead.
template <class T>
T get(std::future<T> future) {
  if (future.wait_for(20s) != std::future_status::ready) {
    ADD_FAILURE() << "a coroutine does not come to its end";
    std::abort();
  }
  return future.get();
}

template <class F>
TaskValue<F> run_on(Shard& shard, F make) {
  return get(start_on(shard, std::move(make)));
}

// A listening socket on a port of loopback, and its address.
struct Listening {
  FileDescriptor fd;
  SocketAddress address;
};

inline Listening listen_on_loopback(int backlog = 16) {
  Listening result;
  result.fd = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(result.fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  EXPECT_EQ(::listen(result.fd.get(), backlog), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  EXPECT_EQ(::getsockname(result.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  result.address = SocketAddress::from_system(reinterpret_cast<const sockaddr&>(bound));
  return result;
}

inline FileDescriptor connect_to(const SocketAddress& address) {
  FileDescriptor fd(::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = address.to_system(storage);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) fd.reset();
  return fd;
}

// Both ends of a TCP connection over loopback.
inline std::pair<FileDescriptor, FileDescriptor> tcp_pair() {
  const Listening listening = listen_on_loopback();
  FileDescriptor client = connect_to(listening.address);
  FileDescriptor server(::accept4(listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(client.is_open() && server.is_open());
  return {std::move(client), std::move(server)};
}

inline void send_all(const FileDescriptor& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(n, 0);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Blocking: until the peer's end.
inline std::string receive_all(const FileDescriptor& fd) {
  std::string all;
  char piece[16384];
  for (;;) {
    const auto n = ::recv(fd.get(), piece, sizeof piece, 0);
    if (n <= 0) return all;
    all.append(piece, static_cast<std::size_t>(n));
  }
}

// Reads until `count` bytes are there or the connection fails.
inline Task<Result<std::string>> read_bytes(Connection& connection, std::size_t count) {
  std::string all;
  while (all.size() < count) {
    BALCONY_CO_CHECK(co_await connection.readable());
    for (;;) {
      BALCONY_CO_ASSIGN(const std::size_t n, connection.read_some(connection.shard().buffer()));
      if (n == 0) break;
      all.append(connection.shard().buffer().data(), n);
    }
  }
  co_return all;
}

// Reads until the connection fails; the text is what came, the error why it ended.
inline Task<std::pair<std::string, Error>> read_to_end(Connection& connection) {
  std::string all;
  for (;;) {
    auto ready = co_await connection.readable();
    if (!ready) co_return std::pair(all, ready.error());
    for (;;) {
      const auto n = connection.read_some(connection.shard().buffer());
      if (!n) co_return std::pair(all, n.error());
      if (*n == 0) break;
      all.append(connection.shard().buffer().data(), *n);
    }
  }
}

inline Task<bool> sleep_for(Shard& shard, std::chrono::milliseconds time) {
  OneShot<bool> over;
  shard.after(time, [&over] { over.set(true); });
  co_return co_await over;
}

}  // namespace balcony::test
