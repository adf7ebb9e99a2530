#include "net/connection.h"
#include "net/test_support.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <thread>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::run_on;
using test::start_on;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    auto [client, server] = test::tcp_pair();
    client_ = std::move(client);
    server_ = std::move(server);
  }

  ConnectionPtr open(Shard& shard, ConnectionOptions options = {}) {
    return Connection::open(shard, std::move(server_), {}, options);
  }

  ShardSet shards_{2};
  FileDescriptor client_;
  FileDescriptor server_;
};

TEST_F(ConnectionTest, EchoesAndSeesTheEnd) {
  auto echoed = start_on(shards_.at(0), [this]() -> Task<Error> {
    auto connection = open(shards_.at(0));
    for (;;) {
      auto bytes = co_await test::read_bytes(*connection, 1);
      if (!bytes) co_return bytes.error();
      connection->write(*bytes);
    }
  });
  test::send_all(client_, "hello");
  char back[5];
  ASSERT_EQ(::recv(client_.get(), back, sizeof back, MSG_WAITALL), 5);
  EXPECT_EQ(std::string_view(back, 5), "hello");
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_EQ(get(std::move(echoed)).code, Errc::kClosed);
}

TEST_F(ConnectionTest, AsksWhetherAPeerIsThere) {
  const int fd = server_.get();
  run_on(shards_.at(0), [this, fd]() -> Task<bool> {
    ConnectionOptions options;
    options.keep_alive = 120s;
    auto connection = open(shards_.at(0), options);
    const auto option = [fd](int level, int name) {
      int value = 0;
      socklen_t size = sizeof value;
      ::getsockopt(fd, level, name, &value, &size);
      return value;
    };
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 120);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 30);
    co_return true;
  });
}

TEST_F(ConnectionTest, OneWriteATurn) {
  // Many small writes arrive as one segment: the queue goes out at the end of the turn.
  run_on(shards_.at(0), [this]() -> Task<bool> {
    auto connection = open(shards_.at(0));
    for (int i = 0; i < 100; ++i) connection->write("0123456789");
    EXPECT_EQ(connection->unsent_bytes(), 1000u);
    co_await test::sleep_for(shards_.at(0), 0ms);
    EXPECT_EQ(connection->unsent_bytes(), 0u);
    co_return true;
  });
  char piece[2000];
  EXPECT_EQ(::recv(client_.get(), piece, sizeof piece, 0), 1000);
}

TEST_F(ConnectionTest, CloseBringsEverythingThere) {
  const std::string much(3'000'000, 'x');
  auto closed = start_on(shards_.at(0), [&]() -> Task<bool> {
    auto connection = open(shards_.at(0));
    connection->write(much);
    co_await connection->close();
    connection->write("too late");
    co_return connection->is_open();
  });
  test::send_all(client_, "something that is never read");
  EXPECT_EQ(test::receive_all(client_), much);
  client_.reset();
  EXPECT_FALSE(get(std::move(closed)));
}

TEST_F(ConnectionTest, CloseDoesNotWaitForEver) {
  const Instant begin = std::chrono::steady_clock::now();
  run_on(shards_.at(0), [&]() -> Task<bool> {
    auto connection = open(shards_.at(0));
    co_await connection->close(200ms);
    co_return true;
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

TEST_F(ConnectionTest, ASlowReaderOverflowsItsQueue) {
  const auto error = run_on(shards_.at(0), [&]() -> Task<Error> {
    ConnectionOptions options;
    options.output_bytes_max = 1'000'000;
    auto connection = open(shards_.at(0), options);
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 400 && connection->is_open(); ++i) connection->write(piece);
    auto ready = co_await connection->readable();
    EXPECT_EQ(connection->unsent_bytes(), 0u);
    co_return ready.error();
  });
  EXPECT_EQ(error.code, Errc::kOverloaded);
}

TEST_F(ConnectionTest, AStalledReaderIsDropped) {
  const auto error = run_on(shards_.at(0), [&]() -> Task<Error> {
    ConnectionOptions options;
    options.output_bytes_max = 100'000'000;
    options.stalled_after = 300ms;
    auto connection = open(shards_.at(0), options);
    connection->write(std::string(20'000'000, 'x'));
    EXPECT_GT(connection->unsent_bytes(), 0u);
    while (connection->read_some(shards_.at(0).buffer()).value() != 0) {
    }
    co_return (co_await connection->readable()).error();
  });
  EXPECT_EQ(error.code, Errc::kTimeout);
}

TEST_F(ConnectionTest, DrainedWaitsForAReader) {
  auto drained = start_on(shards_.at(0), [&]() -> Task<std::size_t> {
    ConnectionOptions options;
    options.output_bytes_max = 100'000'000;
    auto connection = open(shards_.at(0), options);
    std::size_t sent = 0;
    const std::string piece(200'000, 'x');
    for (int i = 0; i < 100; ++i) {
      connection->write(piece);
      sent += piece.size();
      if (!co_await connection->drained(100'000)) break;
      EXPECT_LE(connection->unsent_bytes(), 100'000u);
    }
    co_await connection->close();
    co_return sent;
  });
  EXPECT_EQ(test::receive_all(client_).size(), 20'000'000u);
  client_.reset();
  EXPECT_EQ(get(std::move(drained)), 20'000'000u);
}

TEST_F(ConnectionTest, TheDeadlineIsAbsolute) {
  auto ended = start_on(shards_.at(0), [&]() -> Task<std::pair<std::string, Error>> {
    auto connection = open(shards_.at(0));
    connection->set_deadline_in(400ms);
    auto end = co_await test::read_to_end(*connection);
    EXPECT_EQ((co_await connection->readable()).error().code, Errc::kTimeout);
    connection->set_deadline_in(10s);
    EXPECT_TRUE(connection->read_some(shards_.at(0).buffer()).has_value());
    co_return end;
  });
  const Instant begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 30 && ended.wait_for(40ms) != std::future_status::ready; ++i) {
    test::send_all(client_, " ");  // trickled bytes do not move it
  }
  const auto [bytes, error] = get(std::move(ended));
  EXPECT_EQ(error.code, Errc::kTimeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 390ms);
  EXPECT_GT(bytes.size(), 2u);
}

TEST_F(ConnectionTest, AbortWakesTheReader) {
  const auto error = run_on(shards_.at(0), [&]() -> Task<Error> {
    auto connection = open(shards_.at(0));
    EXPECT_EQ(connection->read_some(shards_.at(0).buffer()).value(), 0u);
    shards_.at(0).post([&] { connection->abort(); });
    auto ready = co_await connection->readable();
    co_return ready.error();
  });
  EXPECT_EQ(error.code, Errc::kClosed);
}

TEST_F(ConnectionTest, InputIsReadNoFasterThanItsRate) {
  std::jthread sender([this] { test::send_all(client_, std::string(300'000, 'x')); });
  const Instant begin = std::chrono::steady_clock::now();
  const auto read = run_on(shards_.at(0), [&]() -> Task<std::size_t> {
    ConnectionOptions options;
    options.read_bytes_per_second = 200'000;
    options.read_burst_bytes = 65'536;
    auto connection = open(shards_.at(0), options);
    auto bytes = co_await test::read_bytes(*connection, 300'000);
    co_return bytes ? bytes->size() : 0;
  });
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(read, 300'000u);
  EXPECT_GE(took, 600ms);
  EXPECT_LT(took, 6s);
}

TEST_F(ConnectionTest, MovesToAnotherShardWithWhatIsUnsent) {
  test::send_all(client_, "early");
  const std::string much(10'000'000, 'y');
  std::promise<Detached> moving;
  run_on(shards_.at(0), [&]() -> Task<bool> {
    ConnectionOptions options;
    options.output_bytes_max = 20'000'000;
    auto connection = open(shards_.at(0), options);
    EXPECT_TRUE((co_await connection->readable()).has_value());
    connection->write(much);
    EXPECT_GT(connection->unsent_bytes(), 0u);
    connection->set_deadline_in(15s);
    moving.set_value(connection->release());
    EXPECT_FALSE(connection->is_open());
    co_return true;
  });
  auto there = start_on(shards_.at(1), [&]() -> Task<std::string> {
    auto connection = Connection::adopt(shards_.at(1), moving.get_future().get());
    EXPECT_EQ(&connection->shard(), &shards_.at(1));
    auto bytes = co_await test::read_bytes(*connection, 5);
    co_await connection->close();
    co_return bytes.value_or("nothing");
  });
  EXPECT_EQ(test::receive_all(client_), much);
  client_.reset();
  EXPECT_EQ(get(std::move(there)), "early");
}

TEST_F(ConnectionTest, APassedDeadlineMovesToo) {
  const auto error = run_on(shards_.at(0), [&]() -> Task<Error> {
    auto first = open(shards_.at(0));
    first->set_deadline_in(0ms);
    auto second = Connection::adopt(shards_.at(0), first->release());
    co_return (co_await second->readable()).error();
  });
  EXPECT_EQ(error.code, Errc::kTimeout);
}

TEST_F(ConnectionTest, AResetIsSeenByTheReader) {
  auto ended = start_on(shards_.at(0), [&]() -> Task<Error> {
    auto connection = open(shards_.at(0));
    auto end = co_await test::read_to_end(*connection);
    connection->write("into the void");
    co_return end.second;
  });
  const linger at_once{1, 0};
  ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  client_.reset();
  EXPECT_EQ(get(std::move(ended)).code, Errc::kClosed);
}

TEST(Connection, IsSmall) {
  EXPECT_LE(sizeof(Connection), 320u);
}

}  // namespace
}  // namespace balcony
