// What the tests of ReceivingServer share: headers, errors, a stream inside TLS.
#pragma once

#include "stream/receiving_server.h"
#include "stream/server_test_support.h"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::stream::testing {

inline std::string header(std::string_view attributes) {
  return "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
         "xmlns:stream='http://etherx.jabber.org/streams' " +
         std::string(attributes) + ">";
}
inline const std::string kOpen =
    header("from='capulet.example' to='montague.example' version='1.0'");
inline constexpr std::string_view kKey =
    "<db:result from='capulet.example' to='montague.example'>k</db:result>";

inline std::string error_of(std::string_view condition) {
  return "<stream:error><" + std::string(condition) +
         " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
}

// Inside TLS, with a header.
struct Inside {
  explicit Inside(FakeServers& policy, std::set<std::string> certified = {},
                  ReceivingServerOptions options = {})
      : server(policy, std::move(options)) {
    server.certified = std::move(certified);
    server.begin_tls();
    server.feed(kOpen);
    features = server.take();
  }
  // And proved by EXTERNAL.
  void authenticate() {
    server.feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
    EXPECT_EQ(server.take(), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    server.feed(kOpen);
    features = server.take();
  }
  ReceivingEnd server;
  std::string features;
};

}  // namespace balcony::stream::testing
