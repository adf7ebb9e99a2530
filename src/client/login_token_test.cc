// What a Client logs in with beside a password: a certificate (XEP-0178), and tokens (XEP-0484):
// got at one login, used at the next, thrown away when refused. Against our receiving machine
// inside TLS, on loopback.
#include <balcony/client.h>

#include "net/listener.h"
#include "net/tls_test_support.h"
#include "session/tcp_transport.h"
#include "stream/test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace balcony {
namespace {

class TlsServer {
 public:
  // `authorities`: a file with those of users' certificates; empty: nobody is asked for one.
  explicit TlsServer(const std::string& authorities = {})
      : host_(test::make_host({"capulet.example"})), authorities_(host_.chain_pem) {
    TlsHost asking = host_;
    asking.client_ca_file = authorities;
    tls_ = test::make_server(test::server_options({asking}));
    policy.offer.offered = true;
    policy.offer.tokens = true;
    ListenerOptions options;
    options.address = "127.0.0.1";
    listener_ = Listener::listen(shards_, options, [this](ConnectionPtr connection) {
                  spawn(serve(std::make_unique<session::TcpTransport>(std::move(connection))));
                }).value();
  }
  ~TlsServer() {
    listener_.reset();
    shards_.stop();
  }

  ClientOptions options() const {
    ClientOptions options(*Jid::parse("juliet@capulet.example"),
                          std::string(sasl::testing::kPassword));
    options.server = listener_->address().to_string();
    options.ca_file = authorities_.path();
    options.user_agent_id = stream::testing::kUserAgent;
    options.want_token = true;
    options.reads_archive = true;
    options.keep_alive = {};
    return options;
  }

  stream::testing::FakePolicy policy;
  std::atomic<int> logins_refused = 0;

 private:
  Task<> serve(std::unique_ptr<session::TcpTransport> transport) {
    stream::testing::ServerEnd end(policy);
    while (!end.ended && end.machine.state() != stream::ReceivingStream::State::kBound) {
      if (const auto ready = co_await transport->readable(); !ready) break;
      const auto read = transport->read();
      if (!read) break;
      end.feed(std::string(*read));
      transport->write(end.take());
      if (!end.wants_tls) continue;
      if (auto done = co_await transport->start_tls_server(*tls_, "capulet.example", ""); !done) {
        break;
      }
      const PeerCertificate certificate = transport->peer_certificate();
      if (certificate.verified) {
        end.shown.emplace();
        end.shown->host = certificate.host;
        end.shown->addresses = {*Jid::parse("juliet@capulet.example")};
      }
      end.begin_tls(transport->channel_bindings());
      transport->write(end.take());
    }
    logins_refused += static_cast<int>(end.failures.size());
    // The client closes; what it says meanwhile is nobody's business here.
    while (!end.ended) {
      const auto ready = co_await transport->readable();
      if (!ready) break;
      const auto read = transport->read();
      if (!read || read->find("</stream:stream>") != std::string_view::npos) break;
    }
    transport->write("</stream:stream>");
    session::Transport::close_in_background(std::move(transport));
  }

  TlsHost host_;
  test::TemporaryFile authorities_;
  std::unique_ptr<TlsServerContext> tls_;
  ShardSet shards_{1};
  std::unique_ptr<Listener> listener_;
};

// What a login ends with.
struct Login {
  std::string mechanism;
  std::string resource;
  std::vector<std::optional<LoginToken>> told;
};

Login log_in(ClientOptions given) {
  Login login;
  const auto program = [&login](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    client.on_token(
        [&login](const std::optional<LoginToken>& token) { login.told.push_back(token); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected) << connected.error().to_string();
    login.mechanism = client.connection().mechanism;
    login.resource = client.jid().resource();
    co_await client.disconnect();
    co_return 0;
  };
  EXPECT_EQ(run(program(std::move(given))), 0);
  return login;
}

// XEP-0178 §2
TEST(LoginCertificate, ComesBeforeThePassword) {
  const TlsHost user = test::make_host({"user.example"});
  const test::TemporaryFile certificate(user.chain_pem);
  const test::TemporaryFile key(user.key_pem);
  TlsServer server(certificate.path());
  server.policy.trusted_host = "capulet.example";
  ClientOptions options = server.options();
  options.certificate_file = certificate.path();
  options.key_file = key.path();
  EXPECT_EQ(log_in(options).mechanism, "EXTERNAL");
  server.policy.trusted_host.clear();
  EXPECT_EQ(log_in(options).mechanism, "SCRAM-SHA-512-PLUS");

  // A file that is not there is told, and not taken for a server without EXTERNAL.
  options.key_file = "/nowhere/key.pem";
  const auto program = [](ClientOptions given) -> Task<int> {
    Client client(std::move(given));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(!connected && connected.error().code == Errc::kNotFound);
    co_return 0;
  };
  EXPECT_EQ(run(program(options)), 0);
}

TEST(LoginToken, IsGotOnceAndUsedAfterwards) {
  TlsServer server;
  const Login first = log_in(server.options());
  EXPECT_EQ(first.mechanism, "SCRAM-SHA-512-PLUS");
  EXPECT_TRUE(first.resource.starts_with("Balcony/")) << first.resource;
  ASSERT_EQ(first.told.size(), 1u);
  ASSERT_TRUE(first.told[0]);
  EXPECT_EQ(first.told[0]->token, "a-new-token");

  ClientOptions again = server.options();
  again.password.clear();
  again.token = *first.told[0];
  again.token->token = sasl::testing::kToken;
  const Login second = log_in(std::move(again));
  EXPECT_EQ(second.mechanism, first.told[0]->mechanism);
  EXPECT_EQ(second.resource, first.resource);
  EXPECT_TRUE(second.told.empty());
  EXPECT_EQ(server.logins_refused, 0);
}

TEST(LoginToken, IsForgottenWhenItIsRefused) {
  TlsServer server;
  ClientOptions options = server.options();
  options.token.emplace();
  options.token->mechanism = "HT-SHA-256-EXPR";
  options.token->token = "of yesterday";
  const Login login = log_in(std::move(options));
  EXPECT_EQ(login.mechanism, "SCRAM-SHA-512-PLUS");
  ASSERT_EQ(login.told.size(), 2u);
  EXPECT_FALSE(login.told[0]);
  EXPECT_TRUE(login.told[1]);
}

TEST(LoginToken, IsNotTriedWhereSasl2IsNotWanted) {
  TlsServer server;
  ClientOptions options = server.options();
  options.sasl2 = false;
  const Login login = log_in(std::move(options));
  EXPECT_EQ(login.resource, "made-here");
  EXPECT_TRUE(login.told.empty());
}

}  // namespace
}  // namespace balcony
