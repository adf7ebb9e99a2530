#include "client/dialer.h"

#include <gtest/gtest.h>

namespace balcony::client {
namespace {

TEST(ParseServer, HostsAndPorts) {
  struct Case {
    const char* text;
    const char* host;
    int port;
  };
  const Case kCases[] = {
      {"xmpp.example.org", "xmpp.example.org", 0},
      {"xmpp.example.org:5223", "xmpp.example.org", 5223},
      {"127.0.0.1:1", "127.0.0.1", 1},
      {"::1", "::1", 0},
      {"2001:db8::7", "2001:db8::7", 0},
      {"[::1]", "::1", 0},
      {"[::1]:65535", "::1", 65535},
  };
  for (const Case& c : kCases) {
    const auto server = parse_server(c.text);
    ASSERT_TRUE(server) << c.text;
    EXPECT_EQ(server->host, c.host);
    EXPECT_EQ(server->port, c.port) << c.text;
  }
  for (const char* bad : {"", ":5222", "host:", "host:0", "host:65536", "host:ssh", "[::1",
                          "[::1]x", "[::1]:", "host:52 22"}) {
    EXPECT_FALSE(parse_server(bad)) << bad;
  }
}

TEST(NetworkName, IsForDnsAndCertificates) {
  const auto name = [](const char* text) { return network_name(*Jid::parse(text)).value(); };
  EXPECT_EQ(name("juliet@Capulet.Example/x"), "capulet.example");
  EXPECT_EQ(name("juliet@b\u00fccher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(name("juliet@[::1]"), "::1");
  EXPECT_EQ(name("juliet@127.0.0.1"), "127.0.0.1");
}

}  // namespace
}  // namespace balcony::client
