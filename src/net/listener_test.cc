#include "net/listener.h"

#include "net/address_counts.h"
#include "net/test_support.h"

#include "base/log.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace balcony {
namespace {

using namespace std::chrono_literals;

// Keeps what comes, each connection on its shard, until the shards are stopped.
class Guests {
 public:
  explicit Guests(ShardSet& shards) : shards_(shards), by_shard_(shards.size()) {}
  ~Guests() { leave(); }
  Guests(const Guests&) = delete;
  Guests& operator=(const Guests&) = delete;

  Listener::OnConnection keep() {
    return [this](ConnectionPtr connection) {
      connection->write("hello");
      by_shard_[connection->shard().index()].push_back(std::move(connection));
      ++count_;
    };
  }
  bool wait_for(int count) const {
    for (int i = 0; i < 500 && count_ < count; ++i) std::this_thread::sleep_for(10ms);
    return count_ >= count;
  }
  int count() const { return count_; }
  std::size_t on(std::size_t shard) {
    return test::run_on(shards_.at(shard),
                        [&]() -> Task<std::size_t> { co_return by_shard_[shard].size(); });
  }
  void leave() {
    for (std::size_t i = 0; i < by_shard_.size(); ++i) {
      test::run_on(shards_.at(i), [&, i]() -> Task<bool> {
        by_shard_[i].clear();
        co_return true;
      });
    }
  }

 private:
  ShardSet& shards_;
  std::vector<std::vector<ConnectionPtr>> by_shard_;
  std::atomic<int> count_ = 0;
};

std::unique_ptr<Listener> listen(ShardSet& shards, Guests& guests, ListenerOptions options) {
  if (options.address.empty()) options.address = "127.0.0.1";
  auto made = Listener::listen(shards, std::move(options), guests.keep());
  EXPECT_TRUE(made.has_value()) << made.error().to_string();
  return std::move(made).value();
}

// What the other end did within a moment: said hello, closed, or nothing.
std::string first_words(const FileDescriptor& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  if (::poll(&wait, 1, 5000) != 1) return "nothing";
  char text[16];
  const auto n = ::recv(fd.get(), text, sizeof text, 0);
  return n <= 0 ? "closed" : std::string(text, static_cast<std::size_t>(n));
}

TEST(Listener, DealsConnectionsOutToAllShards) {
  ShardSet shards(3);
  Guests guests(shards);
  const auto listener = listen(shards, guests, {});
  EXPECT_NE(listener->address().port(), 0);
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(test::connect_to(listener->address()));
  for (const FileDescriptor& client : clients) EXPECT_EQ(first_words(client), "hello");
  ASSERT_TRUE(guests.wait_for(30));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(guests.on(i), 10u);
  EXPECT_EQ(listener->accepted(), 30u);
}

TEST(Listener, KnowsBothFamilies) {
  ShardSet shards(1);
  Guests guests(shards);
  auto made = Listener::listen(shards, {}, guests.keep());  // all addresses
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  const std::uint16_t port = (*made)->address().port();
  EXPECT_TRUE(test::connect_to(*SocketAddress::parse("127.0.0.1", port)).is_open());
  if ((*made)->address().is_v6()) {
    EXPECT_TRUE(test::connect_to(*SocketAddress::parse("::1", port)).is_open());
  }
}

TEST(Listener, SaysWhenThePortIsTaken) {
  ShardSet shards(1);
  Guests guests(shards);
  const auto first = listen(shards, guests, {});
  ListenerOptions again;
  again.address = "127.0.0.1";
  again.port = first->address().port();
  const auto second = Listener::listen(shards, again, guests.keep());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kIo);
  EXPECT_TRUE(second.error().detail.contains(first->address().to_string()));
  again.address = "not an address";
  EXPECT_EQ(Listener::listen(shards, again, guests.keep()).error().code, Errc::kMalformed);
}

TEST(Listener, OneAddressGetsSoManyAndNoMore) {
  ShardSet shards(2);
  Guests guests(shards);
  ListenerOptions options;
  options.connections_per_address_max = 3;
  const auto listener = listen(shards, guests, options);
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(test::connect_to(listener->address()));
    EXPECT_EQ(first_words(clients.back()), "hello");
  }
  EXPECT_EQ(first_words(test::connect_to(listener->address())), "closed");
  EXPECT_EQ(listener->refused(), 1u);
  guests.leave();  // places come back with the end of a connection
  EXPECT_EQ(first_words(test::connect_to(listener->address())), "hello");
}

TEST(Listener, StopsListening) {
  ShardSet shards(1);
  Guests guests(shards);
  auto listener = listen(shards, guests, {});
  const SocketAddress address = listener->address();
  const FileDescriptor client = test::connect_to(address);
  EXPECT_EQ(first_words(client), "hello");
  listener.reset();
  EXPECT_FALSE(test::connect_to(address).is_open());
  EXPECT_EQ(guests.on(0), 1u);
}

TEST(Listener, AcceptsNoFasterThanItsRate) {
  ShardSet shards(1);
  Guests guests(shards);
  ListenerOptions options;
  options.accepts_per_second_max = 20;
  const auto listener = listen(shards, guests, options);
  std::vector<FileDescriptor> clients;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 40; ++i) clients.push_back(test::connect_to(listener->address()));
  ASSERT_TRUE(guests.wait_for(40));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 800ms);
}

TEST(Listener, LivesWithoutDescriptors) {
  log_info("a test takes all descriptors");  // what logs and sanitizers open, they open now
  ShardSet shards(1);
  Guests guests(shards);
  const auto listener = listen(shards, guests, {});
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);  // the lowest free descriptor; from here on there shall be none
  ASSERT_GE(next, 0);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_storage storage{};
  const socklen_t size = listener->address().to_system(storage);
  for (const FileDescriptor& client : clients) {
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  }
  for (const FileDescriptor& client : clients) EXPECT_EQ(first_words(client), "closed");
  EXPECT_EQ(guests.count(), 0);
  EXPECT_EQ(listener->refused(), 4u);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::this_thread::sleep_for(50ms);  // until the acceptor rests
  const FileDescriptor later = test::connect_to(listener->address());
  EXPECT_EQ(first_words(later), "hello");
}

TEST(AddressCounts, CountsNetworksAndForgetsThem) {
  const auto counts = std::make_shared<AddressCounts>(2);
  const auto one = *SocketAddress::parse("2001:db8::1", 1);
  const auto neighbour = *SocketAddress::parse("2001:db8::2", 2);
  auto a = counts->enter(one);
  auto b = counts->enter(neighbour);
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(counts->enter(one));
  EXPECT_TRUE(counts->enter(*SocketAddress::parse("2001:db8:0:1::1", 1)));
  a.reset();
  EXPECT_TRUE(counts->enter(one));
  b.reset();
  EXPECT_EQ(counts->addresses(), 0u);
}

TEST(SocketAddress, ReadsAndWrites) {
  EXPECT_EQ(SocketAddress::parse("127.0.0.1", 5222)->to_string(), "127.0.0.1:5222");
  EXPECT_EQ(SocketAddress::parse("[2001:DB8:0:0::1]", 80)->to_string(), "[2001:db8::1]:80");
  EXPECT_TRUE(SocketAddress::parse("::1", 0)->is_loopback());
  EXPECT_TRUE(SocketAddress::parse("127.9.9.9", 0)->is_loopback());
  EXPECT_FALSE(SocketAddress::parse("10.0.0.1", 0)->is_loopback());
  for (const char* bad : {"", "example.org", "1.2.3", "1.2.3.4.5", "::g", "[::1", "::1%nowhere"}) {
    EXPECT_FALSE(SocketAddress::parse(bad, 0).has_value()) << bad;
  }
  sockaddr_storage storage{};
  const auto mapped = *SocketAddress::parse("::ffff:192.0.2.7", 9);
  mapped.to_system(storage);
  EXPECT_EQ(SocketAddress::from_system(reinterpret_cast<sockaddr&>(storage)).to_string(),
            "192.0.2.7:9");
}

}  // namespace
}  // namespace balcony
