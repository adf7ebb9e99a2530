// Session tickets, seen by a client that is OpenSSL's own.
#include "net/tls_tickets.h"

#include "net/tls_internal.h"
#include "net/tls_test_support.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace balcony {
namespace {

using namespace std::chrono_literals;

TEST(TicketKeys, ChangeAfterTwelveHoursAndStayForTwelveMore) {
  tls::TicketKeys keys;
  const Instant start{1h};
  const auto first = keys.newest(start);
  EXPECT_EQ(keys.newest(start + 11h).name, first.name);
  const auto second = keys.newest(start + 12h);
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  const auto old = keys.find(first.name.data(), start + 13h);
  ASSERT_TRUE(old.has_value());
  EXPECT_FALSE(old->is_newest);
  EXPECT_EQ(old->key.cipher, first.cipher);
  EXPECT_TRUE(keys.find(second.name.data(), start + 13h)->is_newest);
  EXPECT_FALSE(keys.find(first.name.data(), start + 24h).has_value());
}

using SessionPtr = tls::Owned<SSL_SESSION, SSL_SESSION_free>;

struct Visit {
  bool connected = false;
  bool resumed = false;
  SessionPtr session;
};

// Connects, waits for one byte (with it comes the ticket), and leaves.
Visit visit(ShardSet& shards, const TlsServerContext& server, SSL_CTX* client,
            const std::string& name, SSL_SESSION* session) {
  auto [client_fd, server_fd] = test::tcp_pair();
  auto served = test::start_on(shards.at(0), [&]() -> Task<bool> {
    const auto connection = Connection::open(shards.at(0), std::move(server_fd), {});
    auto started = co_await connection->start_tls_server(server);
    if (!started) co_return false;
    connection->write("!");
    co_await connection->close();
    co_return true;
  });
  Visit result;
  {
    const tls::Owned<SSL, SSL_free> ssl(SSL_new(client));
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    SSL_set_fd(ssl.get(), client_fd.get());
    if (session != nullptr) SSL_set_session(ssl.get(), session);
    result.connected = SSL_connect(ssl.get()) == 1;
    char one[1];
    SSL_read(ssl.get(), one, 1);
    result.resumed = SSL_session_reused(ssl.get()) == 1;
    result.session.reset(SSL_get1_session(ssl.get()));
    SSL_shutdown(ssl.get());
  }
  client_fd.reset();
  test::get(std::move(served));
  return result;
}

class TicketTest : public testing::TestWithParam<int> {
 protected:
  TicketTest() : client_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(client_.get(), GetParam());
  }
  ShardSet shards_{1};
  tls::CtxPtr client_;
};

INSTANTIATE_TEST_SUITE_P(Versions, TicketTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TicketTest, ResumeAlsoAfterAReload) {
  const auto server = test::make_server(test::server_options({test::make_host({"one.example"})}));
  Visit first = visit(shards_, *server, client_.get(), "one.example", nullptr);
  ASSERT_TRUE(first.connected);
  EXPECT_FALSE(first.resumed);
  Visit second = visit(shards_, *server, client_.get(), "one.example", first.session.get());
  EXPECT_TRUE(second.resumed);
  ASSERT_TRUE(server->reload(test::server_options({test::make_host({"one.example"})})).has_value());
  Visit third = visit(shards_, *server, client_.get(), "one.example", second.session.get());
  EXPECT_TRUE(third.connected);
  EXPECT_TRUE(third.resumed);
}

TEST_P(TicketTest, AreForOneHostOnly) {
  const auto server = test::make_server(
      test::server_options({test::make_host({"one.example"}), test::make_host({"two.example"})}));
  Visit one = visit(shards_, *server, client_.get(), "one.example", nullptr);
  Visit two = visit(shards_, *server, client_.get(), "two.example", one.session.get());
  EXPECT_FALSE(two.resumed);
}

TEST_P(TicketTest, AreNotGivenWhereCertificatesAreAsked) {
  auto options = test::server_options({test::make_host({"one.example"})});
  options.request_client_certificate = true;
  const auto server = test::make_server(options);
  Visit one = visit(shards_, *server, client_.get(), "one.example", nullptr);
  ASSERT_TRUE(one.connected);
  Visit two = visit(shards_, *server, client_.get(), "one.example", one.session.get());
  EXPECT_TRUE(two.connected);
  EXPECT_FALSE(two.resumed);
}

}  // namespace
}  // namespace balcony
