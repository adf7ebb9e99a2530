// What a peer that has proved nothing may make the receiving end of a stream between servers ask.
#include "stream/receiving_server.h"
#include "stream/server_test_support.h"

#include <gmock/gmock.h>

#include <string>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A stream in TLS, whose peer shows no certificate that counts.
struct ReceivingLimits : ::testing::Test {
  ReceivingLimits() {
    server.begin_tls();
    server.feed(
        "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='capulet.example' "
        "to='montague.example' version='1.0'>");
    server.take();
  }
  std::string ask(const std::string& from, const std::string& to = kMontague) {
    server.feed("<db:result from='" + from + "' to='" + to + "'>k</db:result>");
    return server.take();
  }
  void verified(const std::string& from, const Result<>& verdict) {
    server.perform(server.machine.on_key({from, kMontague}, verdict));
    server.take();
  }

  FakeServers policy{{kMontague}};
  ReceivingEnd server{policy};
};

TEST_F(ReceivingLimits, FewKeysAtOnceBeforeOneIsRight) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("d" + std::to_string(i) + ".example"), "");
  EXPECT_THAT(ask("d3.example"), HasSubstr("<resource-constraint"));
  EXPECT_EQ(server.keys.size(), 3U);
  verified("d0.example", {});
  for (int i = 3; i < 10; ++i) EXPECT_EQ(ask("d" + std::to_string(i) + ".example"), "");
  EXPECT_EQ(server.keys.size(), 10U) << "who has proved a domain may ask for more";
}

TEST_F(ReceivingLimits, WhoProvesNothingIsRefusedSoOftenAndNoMore) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(ask("d.example", "nobody.example"), HasSubstr("<item-not-found"));
    EXPECT_FALSE(server.ended);
  }
  EXPECT_THAT(ask("d.example", "nobody.example"), HasSubstr("<policy-violation"));
  EXPECT_TRUE(server.ended);
}

TEST_F(ReceivingLimits, KeysThatCouldNotBeVerifiedCount) {
  for (int i = 0; i < 11; ++i) {
    const std::string from = "d" + std::to_string(i) + ".example";
    EXPECT_EQ(ask(from), "");
    verified(from, fail(Errc::kRemoteServerTimeout));
    EXPECT_EQ(server.ended, i == 10) << i;
  }
}

TEST_F(ReceivingLimits, WhoHasProvedADomainMayBeRefusedOften) {
  ask("capulet.example");
  verified("capulet.example", {});
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(ask("d.example", "nobody.example"), Not(HasSubstr("<policy-violation")));
  }
  EXPECT_FALSE(server.ended);
}

}  // namespace
}  // namespace balcony::stream::testing
