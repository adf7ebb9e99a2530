// What certificates of servers are good for: names, and each fault by its own name.
#include "net/certificate.h"
#include "net/chain_test_support.h"
#include "net/tls_test_support.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

TEST(ServerCertificate, Names) {
  struct Case {
    CertificateNames names;
    ServerName server;
    bool is_named;
  };
  const ServerName kOrg{"example.org", "example.org"};
  const ServerName kIdn{"bücher.example", "xn--bcher-kva.example"};
  const Case kCases[] = {
      // dNSName
      {{{"example.org"}, {}, {}, {}}, kOrg, true},
      {{{"other.example", "example.org"}, {}, {}, {}}, kOrg, true},
      {{{"EXAMPLE.org"}, {}, {}, {}}, kOrg, true},
      {{{"sub.example.org"}, {}, {}, {}}, kOrg, false},
      {{{"*.example.org"}, {}, {}, {}}, kOrg, false},
      {{{"*.example.org"}, {}, {}, {}}, {"im.example.org", "im.example.org"}, true},
      {{{"*.example.org"}, {}, {}, {}}, {"a.im.example.org", "a.im.example.org"}, false},
      {{{"i*.example.org"}, {}, {}, {}}, {"im.example.org", "im.example.org"}, false},
      {{{"*.org"}, {}, {}, {}}, kOrg, false},
      {{{"*"}, {}, {}, {}}, kOrg, false},
      // RFC 9525 §6.3: names in DNS are A-labels.
      {{{"xn--bcher-kva.example"}, {}, {}, {}}, kIdn, true},
      {{{"bücher.example"}, {}, {}, {}}, kIdn, false},
      {{{"*.example"}, {}, {}, {}}, kIdn, false},
      // SRVName
      {{{}, {"_xmpp-server.example.org"}, {}, {}}, kOrg, true},
      {{{}, {"_xmpp-server.xn--bcher-kva.example"}, {}, {}}, kIdn, true},
      {{{}, {"_xmpp-client.example.org"}, {}, {}}, kOrg, false},
      {{{}, {"_xmpps-server.example.org"}, {}, {}}, kOrg, false},
      {{{}, {"_xmpp-server.*.org"}, {}, {}}, kOrg, false},
      {{{}, {"example.org"}, {}, {}}, kOrg, false},
      // id-on-xmppAddr
      {{{}, {}, {"example.org"}, {}}, kOrg, true},
      {{{}, {}, {"Example.Org"}, {}}, kOrg, true},
      {{{}, {}, {"bücher.example"}, {}}, kIdn, true},
      {{{}, {}, {"xn--bcher-kva.example"}, {}}, kIdn, true},
      {{{}, {}, {"juliet@example.org"}, {}}, kOrg, false},
      {{{}, {}, {"example.org/r"}, {}}, kOrg, false},
      {{{}, {}, {"*.org"}, {}}, kOrg, false},
      {{{}, {}, {""}, {}}, {"", ""}, false},
      // iPAddress
      {{{}, {}, {}, {"2001:db8::1"}}, {"[2001:db8::1]", "[2001:db8::1]"}, true},
      {{{}, {}, {}, {"192.0.2.1"}}, {"192.0.2.1", "192.0.2.1"}, true},
      {{{"192.0.2.1"}, {}, {}, {}}, {"192.0.2.1", "192.0.2.1"}, false},
      {{}, kOrg, false},
  };
  int number = 0;
  for (const Case& c : kCases) {
    EXPECT_EQ(names_server(c.names, c.server), c.is_named) << "case " << number;
    ++number;
  }
}

// Both ends show a certificate; `who` is that of the end which is looked at.
class FaultTest : public ::testing::Test {
 protected:
  // What the client and the server see of a peer that shows `shown` of `chain`'s authorities.
  std::pair<PeerCertificate, PeerCertificate> seen(const TlsHost& shown, const std::string& trusted,
                                                   const std::string& revoked = {}) {
    const test::TemporaryFile authorities(trusted);
    const test::TemporaryFile lists(revoked);
    TlsServerOptions server = test::server_options({shown});
    server.request_client_certificate = true;
    TlsClientOptions client;
    client.verify = TlsVerify::kReport;
    client.certificate_pem = shown.chain_pem;
    client.key_pem = shown.key_pem;
    client.ca_file = server.ca_file = authorities.path();
    if (!revoked.empty()) client.crl_file = server.crl_file = lists.path();
    test::TlsPair pair(shards_);
    const auto made_server = test::make_server(server);
    const auto made_client = test::make_client(client);
    const auto outcome = pair.shake(*made_server, *made_client, "example.org");
    EXPECT_TRUE(outcome.client) << outcome.client.error().to_string();
    EXPECT_TRUE(outcome.server) << outcome.server.error().to_string();
    return {pair.at_client([](Connection& c) { return c.peer_certificate(); }),
            pair.at_server([](Connection& c) { return c.peer_certificate(); })};
  }
  static TlsHost host(const test::Chain& chain) {
    TlsHost host;
    host.names = {"example.org"};
    host.chain_pem = chain.chain_pem + chain.authority_pem;
    host.key_pem = chain.key_pem;
    return host;
  }

  ShardSet shards_{2};
};

TEST_F(FaultTest, EachHasItsName) {
  const ServerName kOrg{"example.org", "example.org"};
  const test::Chain good = test::make_chain("example.org");
  const test::Chain other = test::make_chain("other.example");
  const test::Chain old = test::make_chain("example.org", -3600);
  const TlsHost self = test::make_host({"example.org"});
  struct Case {
    TlsHost shown;
    std::string trusted;
    std::string revoked;
    CertificateFault fault;
  };
  const Case kCases[] = {
      {host(good), good.authority_pem, "", CertificateFault::kNone},
      // Of this authority there is no list: nothing is known against it.
      {host(good), good.authority_pem, other.revoked_pem, CertificateFault::kNone},
      {host(good), good.authority_pem, good.revoked_pem, CertificateFault::kRevoked},
      {host(other), other.authority_pem, "", CertificateFault::kWrongName},
      {host(old), old.authority_pem, "", CertificateFault::kExpired},
      {host(good), other.chain_pem, "", CertificateFault::kUnknownAuthority},
      {self, good.authority_pem, "", CertificateFault::kSelfSigned},
  };
  for (const Case& c : kCases) {
    const auto [at_client, at_server] = seen(c.shown, c.trusted, c.revoked);
    EXPECT_EQ(to_string(server_fault(at_client, kOrg)), to_string(c.fault)) << at_client.error;
    EXPECT_EQ(to_string(server_fault(at_server, kOrg)), to_string(c.fault)) << at_server.error;
    const bool is_trusted =
        c.fault == CertificateFault::kNone || c.fault == CertificateFault::kWrongName;
    EXPECT_EQ(at_client.trusted, is_trusted);
    EXPECT_EQ(at_server.trusted, is_trusted);
    EXPECT_EQ(at_client.verified, c.fault == CertificateFault::kNone);
    EXPECT_EQ(at_client.chain.front(), at_client.der);
    EXPECT_EQ(at_server.chain, at_client.chain);
  }
  EXPECT_EQ(server_fault({}, kOrg), CertificateFault::kMissing);
}

}  // namespace
}  // namespace balcony
