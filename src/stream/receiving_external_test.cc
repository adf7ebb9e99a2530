// EXTERNAL at the receiving end (XEP-0178 §2): to whom it is offered, and whom it lets in.
#include "stanza/ns.h"
#include "stream/receiving_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kOffered = "<mechanism>EXTERNAL</mechanism>";

struct Certified : ServerEnd {
  Certified(const FakePolicy& policy, std::vector<std::string> addresses, std::string why = {})
      : ServerEnd(policy) {
    shown.emplace();
    for (const std::string& address : addresses) {
      shown->addresses.push_back(Jid::parse(address).value());
    }
    shown->host = kHost;
    shown->error = std::move(why);
    feed(kClientOpen);
    feed(kStartTls);
    begin_tls({sasl::testing::exporter()});
    take();
    feed(kClientOpen);
    offer = take();
  }

  std::string say(std::string_view text) {
    feed(text);
    return take();
  }
  std::string external(std::string_view authzid = {}) {
    return say(auth("EXTERNAL", authzid.empty() ? "=" : base64_encode(authzid)));
  }

  std::string offer;
};

FakePolicy trusting() {
  FakePolicy policy;
  policy.trusted_host = kHost;
  policy.offer.offered = true;
  policy.offer.tokens = true;
  policy.offer.upgrades = {sasl::ScramHash::kSha512};
  return policy;
}

const std::string kJuliet = "juliet@capulet.example";

TEST(ReceivingExternal, TheOneAddressIsWhoItIs) {
  const FakePolicy policy = trusting();
  Certified server(policy, {kJuliet});
  EXPECT_THAT(server.offer, HasSubstr(kOffered));
  EXPECT_THAT(server.external(), HasSubstr("<success"));
  EXPECT_TRUE(server.machine.authenticated());

  Certified named(policy, {kJuliet});
  EXPECT_THAT(named.external(kJuliet), HasSubstr("<success"));
  Certified other(policy, {kJuliet});
  EXPECT_EQ(other.external("nurse@capulet.example"), failure("invalid-authzid"));
}

TEST(ReceivingExternal, OfSeveralTheClientNamesOne) {
  const FakePolicy policy = trusting();
  const std::vector<std::string> two = {"nurse@capulet.example", kJuliet};
  Certified silent(policy, two);
  EXPECT_EQ(silent.external(), failure("invalid-authzid"));
  Certified named(policy, two);
  EXPECT_THAT(named.external(kJuliet), HasSubstr("<success"));
  // Addresses of other hosts do not count here.
  Certified elsewhere(policy, {"juliet@elsewhere.example", kJuliet, kJuliet});
  EXPECT_THAT(elsewhere.external(), HasSubstr("<success"));
}

TEST(ReceivingExternal, IsNotOfferedToWhomItWouldNotLetIn) {
  const FakePolicy policy = trusting();
  const auto refused = [](const FakePolicy& to, std::vector<std::string> addresses,
                          std::string error = {}) {
    Certified server(to, std::move(addresses), std::move(error));
    EXPECT_THAT(server.offer, Not(HasSubstr(kOffered)));
    EXPECT_EQ(server.external(kJuliet), failure("not-authorized"));
    EXPECT_EQ(server.say("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'>"
                         "<initial-response/></authenticate>"),
              "<failure xmlns='urn:xmpp:sasl:2'><not-authorized "
              "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>");
    EXPECT_FALSE(server.machine.authenticated());
  };
  refused(policy, {});
  refused(policy, {"juliet@elsewhere.example"});
  refused(policy, {"capulet.example"});
  refused(policy, {kJuliet + "/balcony"});
  refused(policy, {kJuliet}, "its certificate has expired");
  FakePolicy of_another = trusting();
  of_another.trusted_host = "elsewhere.example";
  refused(of_another, {kJuliet});

  // Without any certificate it is a mechanism like others that are not offered.
  ServerInsideTls none(policy);
  none.feed(auth("EXTERNAL", "="));
  EXPECT_THAT(none.take(), HasSubstr("<invalid-mechanism/>"));
}

TEST(ReceivingExternal, NeedsAnAccount) {
  const FakePolicy policy = trusting();
  Certified server(policy, {"tybalt@capulet.example"});
  EXPECT_EQ(server.external(), failure("not-authorized"));
}

TEST(ReceivingExternal, ACertificateChoosesNoPasswordAndGetsNoToken) {
  const FakePolicy policy = trusting();
  Certified server(policy, {kJuliet});
  server.lacks = sasl::ScramHash::kSha512;
  const std::string said = server.say(
      "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'><initial-response/>"
      "<user-agent id='" +
      std::string(kUserAgent) +
      "'/>"
      "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
      "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade></authenticate>");
  EXPECT_THAT(said, HasSubstr("<success"));
  EXPECT_THAT(said, Not(HasSubstr("<token")));
}

}  // namespace
}  // namespace balcony::stream::testing
