// Handshakes, names, certificates, channel bindings, moving: with TLS 1.2 and 1.3.
#include "net/certificate.h"
#include "net/tls_test_support.h"

#include "base/base64.h"

#include <gtest/gtest.h>

#include <thread>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::make_client;
using test::make_client_of;
using test::make_host;
using test::make_server;
using test::run_on;
using test::server_options;
using test::start_on;
using test::TlsPair;

class TlsTest : public testing::TestWithParam<TlsVersion> {
 protected:
  TlsServerOptions options(std::vector<TlsHost> hosts) {
    TlsServerOptions result = server_options(std::move(hosts));
    result.version_max = GetParam();
    return result;
  }
  bool is_13() const { return GetParam() == TlsVersion::kTls13; }

  ShardSet shards_{2};
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsTest, testing::Values(TlsVersion::kTls12, TlsVersion::kTls13),
                         [](const auto& version) {
                           return version.param == TlsVersion::kTls12 ? "Tls12" : "Tls13";
                         });

TEST_P(TlsTest, BothEndsKnowTheSame) {
  const TlsHost host = make_host({"example.org"});
  auto server_side = options({host});
  server_side.alpn = {"xmpp-client"};
  const auto server = make_server(server_side);
  TlsClientOptions client_side;
  client_side.alpn = {"http/1.1", "xmpp-client"};
  const auto client = make_client_of(host, client_side);
  TlsPair pair(shards_);
  const auto outcome = pair.shake(*server, *client, "example.org");
  ASSERT_TRUE(outcome.server.has_value()) << outcome.server.error().to_string();
  ASSERT_TRUE(outcome.client.has_value()) << outcome.client.error().to_string();

  const auto at_server = pair.at_server([](Connection& c) { return *c.tls(); });
  const auto at_client = pair.at_client([](Connection& c) { return *c.tls(); });
  EXPECT_EQ(at_server.version, is_13() ? "TLSv1.3" : "TLSv1.2");
  EXPECT_EQ(at_server.cipher, at_client.cipher);
  EXPECT_EQ(at_server.sni, "example.org");
  EXPECT_EQ(at_client.sni, "example.org");
  EXPECT_EQ(at_server.alpn, "xmpp-client");
  EXPECT_EQ(at_client.alpn, "xmpp-client");

  for (const auto type : {ChannelBinding::kTlsExporter, ChannelBinding::kTlsServerEndPoint,
                          ChannelBinding::kTlsUnique}) {
    const auto mine = pair.at_server([type](Connection& c) { return c.channel_binding(type); });
    const auto yours = pair.at_client([type](Connection& c) { return c.channel_binding(type); });
    ASSERT_TRUE(mine.has_value());
    EXPECT_EQ(*mine, *yours);
    // A Finished message has 12 bytes in TLS 1.2 and the hash's length in 1.3.
    EXPECT_GE(mine->size(), type == ChannelBinding::kTlsUnique ? 12u : 32u);
  }
  const auto certificate = pair.at_client([](Connection& c) { return c.peer_certificate(); });
  EXPECT_TRUE(certificate.verified);
  const auto end_point = pair.at_client(
      [](Connection& c) { return c.channel_binding(ChannelBinding::kTlsServerEndPoint); });
  const auto shown = read_certificate(certificate.der);
  EXPECT_EQ(shown->names.dns, std::vector<std::string>{"example.org"});
  EXPECT_EQ(hex_encode(*end_point), shown->sha256);  // signed with SHA-256
  EXPECT_FALSE(pair.at_server([](Connection& c) { return c.peer_certificate(); }).verified);
}

TEST_P(TlsTest, BytesGoBothWaysAndTheEndIsClean) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  const auto client = make_client_of(host);
  TlsPair pair(shards_);
  ASSERT_TRUE(pair.shake(*server, *client, "example.org").client.has_value());
  const std::string much(2'000'000, 'z');
  auto echoed = start_on(shards_.at(0), [&]() -> Task<Error> {
    auto bytes = co_await test::read_bytes(*pair.server, much.size());
    pair.server->write(bytes.value());
    auto end = co_await test::read_to_end(*pair.server);
    EXPECT_FALSE(pair.server->was_truncated());
    co_await pair.server->close();
    co_return end.second;
  });
  const auto back = run_on(shards_.at(1), [&]() -> Task<std::string> {
    pair.client->write(much);
    auto bytes = co_await test::read_bytes(*pair.client, much.size());
    co_await pair.client->close();
    co_return bytes.value();
  });
  EXPECT_EQ(back, much);
  EXPECT_EQ(get(std::move(echoed)).code, Errc::kClosed);
}

TEST_P(TlsTest, TruncationIsNoticed) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  const auto client = make_client_of(host);
  TlsPair pair(shards_);
  ASSERT_TRUE(pair.shake(*server, *client, "example.org").client.has_value());
  auto end = start_on(shards_.at(0), [&]() -> Task<Error> {
    auto ended = co_await test::read_to_end(*pair.server);
    EXPECT_TRUE(pair.server->was_truncated());
    co_return ended.second;
  });
  run_on(shards_.at(1), [&]() -> Task<bool> {
    co_await test::sleep_for(shards_.at(1), 100ms);
    // Reads what the server's ticket left, so that closing sends FIN and no RST.
    EXPECT_TRUE(pair.client->read_some(shards_.at(1).buffer()).has_value());
    pair.client->abort();
    co_return true;
  });
  EXPECT_EQ(get(std::move(end)).code, Errc::kClosed);
}

TEST_P(TlsTest, MovesWithBytesLeftInOpenSsl) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  const auto client = make_client_of(host);
  TlsPair pair(shards_);
  ASSERT_TRUE(pair.shake(*server, *client, "example.org").client.has_value());
  run_on(shards_.at(1), [&]() -> Task<bool> {
    pair.client->write("0123456789");  // one record
    co_return (co_await pair.client->drained()).has_value();
  });
  std::promise<Detached> moving;
  run_on(shards_.at(0), [&]() -> Task<bool> {
    EXPECT_TRUE((co_await pair.server->readable()).has_value());
    char one[1];
    std::size_t n = 0;
    while (n == 0) {
      EXPECT_TRUE((co_await pair.server->readable()).has_value());
      n = pair.server->read_some(one).value();  // the other nine are in OpenSSL only
    }
    EXPECT_EQ(one[0], '0');
    moving.set_value(pair.server->release());
    co_return true;
  });
  const auto there = run_on(shards_.at(1), [&]() -> Task<std::string> {
    const auto moved = Connection::adopt(shards_.at(1), moving.get_future().get());
    auto rest = co_await test::read_bytes(*moved, 9);
    moved->write("back");
    EXPECT_TRUE(moved->is_tls());
    auto back = co_await test::read_bytes(*pair.client, 4);
    co_return rest.value() + back.value();
  });
  EXPECT_EQ(there, "123456789back");
}

TEST_P(TlsTest, MovesWithTlsOutputUnsent) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  const auto client = make_client_of(host);
  TlsPair pair(shards_);
  ASSERT_TRUE(pair.shake(*server, *client, "example.org").client.has_value());
  const std::string much(12'000'000, 'm');
  const auto read = run_on(shards_.at(0), [&]() -> Task<bool> {
    ConnectionOptions wide;
    wide.output_bytes_max = 20'000'000;
    pair.server->set_options(wide);
    pair.server->write(much);
    EXPECT_GT(pair.server->unsent_bytes(), 0u);
    pair.server = Connection::adopt(shards_.at(0), pair.server->release());
    co_return true;
  });
  EXPECT_TRUE(read);
  const auto got = run_on(shards_.at(1), [&]() -> Task<std::size_t> {
    auto bytes = co_await test::read_bytes(*pair.client, much.size());
    co_return bytes ? bytes->size() : 0;
  });
  EXPECT_EQ(got, much.size());
}

TEST_P(TlsTest, TheNameChoosesTheCertificate) {
  const TlsHost first = make_host({"one.example"});
  const TlsHost second = make_host({"two.example", "*.wild.example"});
  const auto server = make_server(options({first, second}));
  const auto client_of_second = make_client_of(second);
  for (const std::string name : {"two.example", "TWO.example", "a.wild.example"}) {
    TlsPair pair(shards_);
    const auto outcome = pair.shake(*server, *client_of_second, name);
    EXPECT_TRUE(outcome.client.has_value()) << name << outcome.client.error().to_string();
  }
  TlsPair unknown(shards_);
  const auto client_of_first = make_client_of(first);
  const auto outcome = unknown.shake(*server, *client_of_first, "three.example");
  ASSERT_FALSE(outcome.client.has_value());  // the first host's, which is for another name
  EXPECT_EQ(outcome.client.error().code, Errc::kTls);
  EXPECT_EQ(outcome.client.error().detail, "the certificate of three.example is for other names");
  EXPECT_FALSE(outcome.server.has_value() && !is_13());
}

TEST_P(TlsTest, TheStreamHeaderHelpsWhereSniIsMissing) {
  const TlsHost first = make_host({"one.example"});
  const TlsHost second = make_host({"two.example"});
  const auto server = make_server(options({first, second}));
  TlsClientOptions pin;
  pin.pinned_sha256 = read_certificate_pem(second.chain_pem)->sha256;
  const auto client = make_client(pin);
  TlsPair pair(shards_);
  const auto outcome = pair.shake(*server, *client, "127.0.0.1", "two.example");
  EXPECT_TRUE(outcome.client.has_value()) << outcome.client.error().to_string();
}

TEST_P(TlsTest, CertificatesThatAreNotGood) {
  const TlsHost host = make_host({"example.org"});
  const TlsHost other = make_host({"example.org"});
  const auto server = make_server(options({host}));
  {
    TlsPair pair(shards_);
    const auto outcome = pair.shake(*server, *make_client_of(other), "example.org");
    ASSERT_FALSE(outcome.client.has_value());
    EXPECT_EQ(outcome.client.error().detail,
              "the certificate of example.org is signed by itself and not trusted");
  }
  {
    TlsClientOptions pin;
    pin.pinned_sha256 = read_certificate_pem(other.chain_pem)->sha256;
    TlsPair pair(shards_);
    const auto outcome = pair.shake(*server, *make_client(pin), "example.org");
    ASSERT_FALSE(outcome.client.has_value());
    EXPECT_EQ(outcome.client.error().detail,
              "the certificate of example.org is not the pinned one");
  }
  {
    TlsClientOptions report;
    report.verify = TlsVerify::kReport;
    TlsPair pair(shards_);
    const auto outcome = pair.shake(*server, *make_client(report), "example.org");
    ASSERT_TRUE(outcome.client.has_value());
    const auto shown = pair.at_client([](Connection& c) { return c.peer_certificate(); });
    EXPECT_FALSE(shown.verified);
    EXPECT_FALSE(shown.error.empty());
  }
}

TEST_P(TlsTest, ClientsMayShowACertificate) {
  const TlsHost host = make_host({"example.org"});
  const TlsHost peer = make_host({"peer.example"});
  const test::TemporaryFile trusted(peer.chain_pem);
  auto asking = options({host});
  asking.request_client_certificate = true;
  asking.ca_file = trusted.path();
  const auto server = make_server(asking);
  TlsClientOptions showing;
  showing.certificate_pem = peer.chain_pem;
  showing.key_pem = peer.key_pem;
  TlsPair pair(shards_);
  ASSERT_TRUE(
      pair.shake(*server, *make_client_of(host, showing), "example.org").server.has_value());
  const auto shown = pair.at_server([](Connection& c) { return c.peer_certificate(); });
  EXPECT_TRUE(shown.verified) << shown.error;
  EXPECT_TRUE(certificate_is_for(read_certificate(shown.der)->names, "peer.example"));

  TlsPair silent(shards_);
  ASSERT_TRUE(silent.shake(*server, *make_client_of(host), "example.org").server.has_value());
  const auto nothing = silent.at_server([](Connection& c) { return c.peer_certificate(); });
  EXPECT_FALSE(nothing.verified);
  EXPECT_TRUE(nothing.der.empty());
}

// XEP-0178 §2
TEST_P(TlsTest, UsersAreAskedOnlyWhereTheirHostWantsIt) {
  const TlsHost plain = make_host({"plain.example"});
  TlsHost asking = make_host({"asking.example"});
  const TlsHost user = make_host({"user.example"});
  const test::TemporaryFile authorities(user.chain_pem);
  asking.client_ca_file = authorities.path();
  // Whichever host comes first: that is the one whose context an SSL is made from.
  for (const auto& hosts : {std::vector{plain, asking}, std::vector{asking, plain}}) {
    const auto server = make_server(options(hosts));
    const auto shown_to = [&](const TlsHost& host, const TlsHost& who) {
      TlsClientOptions showing;
      showing.certificate_pem = who.chain_pem;
      showing.key_pem = who.key_pem;
      TlsPair pair(shards_);
      const auto outcome = pair.shake(*server, *make_client_of(host, showing), host.names.front());
      EXPECT_TRUE(outcome.server.has_value()) << outcome.server.error().to_string();
      return pair.at_server([](Connection& c) { return c.peer_certificate(); });
    };
    EXPECT_TRUE(shown_to(plain, user).der.empty());
    const PeerCertificate good = shown_to(asking, user);
    EXPECT_TRUE(good.verified) << good.error;
    EXPECT_EQ(good.host, "asking.example");
    const PeerCertificate other = shown_to(asking, plain);
    EXPECT_FALSE(other.der.empty());
    EXPECT_FALSE(other.verified);
    EXPECT_NE(other.error, "");
  }
}

TEST_P(TlsTest, AuthoritiesOfUsersMustBeThere) {
  TlsHost host = make_host({"example.org"});
  host.client_ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(TlsServerContext::create(options({host})).error().code, Errc::kConfig);
  const test::TemporaryFile authorities(host.chain_pem);
  host.client_ca_file = authorities.path();
  host.client_crl_file = authorities.path();  // a certificate is no revocation list
  EXPECT_EQ(TlsServerContext::create(options({host})).error().code, Errc::kConfig);
}

TEST_P(TlsTest, OtherProtocolsAreRefused) {
  const TlsHost host = make_host({"example.org"});
  auto server_side = options({host});
  server_side.alpn = {"xmpp-server"};
  const auto server = make_server(server_side);
  TlsClientOptions client_side;
  client_side.alpn = {"h2"};
  TlsPair pair(shards_);
  const auto outcome = pair.shake(*server, *make_client_of(host, client_side), "example.org");
  EXPECT_EQ(outcome.server.error().code, Errc::kTls);
  EXPECT_EQ(outcome.client.error().code, Errc::kTls);
}

TEST_P(TlsTest, PlaintextBeforeTlsIsRefused) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  auto [client_fd, server_fd] = test::tcp_pair();
  test::send_all(client_fd, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><injected/>");
  const auto result = run_on(shards_.at(0), [&]() -> Task<Result<>> {
    const auto connection = Connection::open(shards_.at(0), std::move(server_fd), {});
    auto bytes = co_await test::read_bytes(*connection, 60);
    const std::string leftover = bytes->substr(bytes->find("<injected"));
    auto started = co_await connection->start_tls_server(*server, "example.org", leftover);
    EXPECT_FALSE(connection->read_some(shards_.at(0).buffer()).has_value());
    co_return started;
  });
  EXPECT_EQ(result.error().code, Errc::kTls);
}

TEST_P(TlsTest, PlaintextInTheSocketIsNoHandshake) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  auto [client_fd, server_fd] = test::tcp_pair();
  test::send_all(client_fd, "<message>hello</message>");
  const auto result = run_on(shards_.at(0), [&]() -> Task<Result<>> {
    const auto connection = Connection::open(shards_.at(0), std::move(server_fd), {});
    connection->write("<proceed/>");
    co_return co_await connection->start_tls_server(*server);
  });
  EXPECT_EQ(result.error().code, Errc::kTls);
  EXPECT_TRUE(test::receive_all(client_fd).starts_with("<proceed/>"));  // sent before TLS
}

TEST_P(TlsTest, AHandshakeHasADeadline) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  auto [client_fd, server_fd] = test::tcp_pair();
  auto result = start_on(shards_.at(0), [&]() -> Task<Result<>> {
    const auto connection = Connection::open(shards_.at(0), std::move(server_fd), {});
    co_return co_await connection->start_tls_server(*server, "", "", 300ms);
  });
  // A record of 16 KiB that comes byte by byte.
  test::send_all(client_fd, std::string("\x16\x03\x01\x40\x00\x01", 6));
  for (int i = 0; i < 200 && result.wait_for(20ms) != std::future_status::ready; ++i) {
    ::send(client_fd.get(), "\0", 1, MSG_NOSIGNAL);
  }
  EXPECT_EQ(get(std::move(result)).error().code, Errc::kTimeout);
}

TEST_P(TlsTest, ADeadlineOutlivesTheHandshake) {
  const TlsHost host = make_host({"example.org"});
  const auto server = make_server(options({host}));
  const auto client = make_client_of(host);
  auto [client_fd, server_fd] = test::tcp_pair();
  auto ended = start_on(shards_.at(0), [&]() -> Task<Error> {
    const auto connection = Connection::open(shards_.at(0), std::move(server_fd), {});
    connection->set_deadline_in(700ms);
    auto started = co_await connection->start_tls_server(*server);
    EXPECT_TRUE(started.has_value());
    auto end = co_await test::read_to_end(*connection);
    co_return end.second;
  });
  run_on(shards_.at(1), [&]() -> Task<bool> {
    const auto connection = Connection::open(shards_.at(1), std::move(client_fd), {});
    EXPECT_TRUE((co_await connection->start_tls_client(*client, "example.org")).has_value());
    auto end = co_await test::read_to_end(*connection);
    EXPECT_EQ(end.second.code, Errc::kClosed);
    co_return true;
  });
  EXPECT_EQ(get(std::move(ended)).code, Errc::kTimeout);
}

TEST_P(TlsTest, ReloadChangesNewHandshakesOnly) {
  const TlsHost before = make_host({"example.org"});
  const TlsHost after = make_host({"example.org"});
  const auto server = make_server(options({before}));
  TlsPair old_pair(shards_);
  ASSERT_TRUE(old_pair.shake(*server, *make_client_of(before), "example.org").client.has_value());

  TlsHost broken = after;
  broken.key_pem = before.key_pem;
  const auto refused = server->reload(options({broken}));
  EXPECT_EQ(refused.error().code, Errc::kConfig);
  EXPECT_TRUE(refused.error().detail.starts_with("example.org: ")) << refused.error().detail;
  TlsPair still(shards_);
  EXPECT_TRUE(still.shake(*server, *make_client_of(before), "example.org").client.has_value());

  ASSERT_TRUE(server->reload(options({after})).has_value());
  TlsPair new_pair(shards_);
  EXPECT_TRUE(new_pair.shake(*server, *make_client_of(after), "example.org").client.has_value());
  const auto echoed = run_on(shards_.at(0), [&]() -> Task<bool> {
    old_pair.server->write("still here");
    co_return (co_await old_pair.server->drained()).has_value();
  });
  EXPECT_TRUE(echoed);
  const auto text = run_on(shards_.at(1), [&]() -> Task<std::string> {
    co_return (co_await test::read_bytes(*old_pair.client, 10)).value_or("");
  });
  EXPECT_EQ(text, "still here");
}

TEST(TlsContext, SaysWhatIsWrong) {
  EXPECT_EQ(TlsServerContext::create({}).error().code, Errc::kConfig);
  TlsHost host = make_host({"example.org"});
  host.key_pem = "nonsense";
  EXPECT_EQ(TlsServerContext::create(server_options({host})).error().code, Errc::kConfig);
  TlsClientOptions pin;
  pin.pinned_sha256 = "abcd";
  EXPECT_EQ(TlsClientContext::create(pin).error().code, Errc::kConfig);
  TlsClientOptions authorities;
  authorities.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(TlsClientContext::create(authorities).error().code, Errc::kConfig);
  EXPECT_EQ(load_tls_host({}, "/nonexistent/chain.pem", "x").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace balcony
