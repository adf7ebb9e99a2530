// Resuming and enabling stream management (XEP-0198) from the client's side, against servers of a
// few lines.
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = ManagementOutcome::Kind;

constexpr std::string_view kOffer =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>";
constexpr std::string_view kSession =
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    "<sm xmlns='urn:xmpp:sm:3'/></stream:features>";
constexpr std::string_view kPlainSession =
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>";

// A client that is logged in and has seen `features`.
struct LoggedInClient {
  explicit LoggedInClient(ManagementOptions management, std::string_view features = kSession)
      : client(options(std::move(management))) {
    client.start();
    say(kHeader);
    say(kOffer);
    say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    say(kHeader);
    client.take();
    say(features);
  }
  static InitiatingOptions options(ManagementOptions management) {
    InitiatingOptions options(*Jid::parse("capulet.example"));
    options.anonymous = true;
    options.tls = TlsPolicy::kPlaintext;
    options.management = std::move(management);
    return options;
  }
  void say(std::string_view bytes) { client.feed(bytes); }
  // Answers the request for a resource.
  void bind() {
    const std::string asked = client.take();
    const auto at = asked.find("id='") + 4;
    const std::string id = asked.substr(at, asked.find('\'', at) - at);
    say("<iq type='result' id='" + id +
        "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>guest@capulet.example/new</jid>"
        "</bind></iq>");
  }
  ClientEnd client;
};

ManagementOptions wants(bool resumable) {
  ManagementOptions management;
  management.enable = true;
  management.resumable = resumable;
  return management;
}

ManagementOptions lost() {
  ManagementOptions management = wants(true);
  management.lost.emplace(*Jid::parse("guest@capulet.example/old"), "some-id", 7);
  return management;
}

TEST(InitiatingManagement, IsEnabledAfterBinding) {
  LoggedInClient end(wants(true));
  end.bind();
  EXPECT_EQ(end.client.take(), "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  EXPECT_FALSE(end.client.bound);
  // What the server says meanwhile is kept.
  end.say("<message from='capulet.example'><body>Welcome</body></message>");
  end.say("<enabled xmlns='urn:xmpp:sm:3' id='abc' resume='true' max='300' location='h:5'/>");
  ASSERT_TRUE(end.client.bound);
  EXPECT_EQ(end.client.bound->management.kind, Kind::kEnabled);
  EXPECT_EQ(end.client.bound->management.enabled.id, "abc");
  EXPECT_EQ(end.client.bound->management.enabled.max_seconds, 300u);
  EXPECT_EQ(end.client.bound->management.enabled.location, "h:5");
  EXPECT_EQ(end.client.bound->jid.resource(), "new");
  ASSERT_EQ(end.client.bound->early.size(), 1u);
}

TEST(InitiatingManagement, IsAskedForWithoutResumption) {
  LoggedInClient end(wants(false));
  end.bind();
  EXPECT_EQ(end.client.take(), "<enable xmlns='urn:xmpp:sm:3'/>");
  end.say("<enabled xmlns='urn:xmpp:sm:3'/>");
  ASSERT_TRUE(end.client.bound);
  EXPECT_EQ(end.client.bound->management.enabled.id, "");
}

TEST(InitiatingManagement, ARefusalIsNoFailure) {
  LoggedInClient end(wants(true));
  end.bind();
  end.say("<failed xmlns='urn:xmpp:sm:3'/>");
  ASSERT_TRUE(end.client.bound);
  EXPECT_EQ(end.client.bound->management.kind, Kind::kNone);
}

TEST(InitiatingManagement, IsNotAskedForWhereItIsNotOfferedOrNotWanted) {
  LoggedInClient not_offered(lost(), kPlainSession);
  not_offered.bind();
  EXPECT_TRUE(not_offered.client.bound);
  LoggedInClient not_wanted({});
  not_wanted.bind();
  EXPECT_TRUE(not_wanted.client.bound);
}

TEST(InitiatingManagement, ResumesInPlaceOfBinding) {
  LoggedInClient end(lost());
  EXPECT_EQ(end.client.take(), "<resume xmlns='urn:xmpp:sm:3' previd='some-id' h='7'/>");
  end.say("<resumed xmlns='urn:xmpp:sm:3' previd='some-id' h='3'/>");
  ASSERT_TRUE(end.client.bound);
  EXPECT_EQ(end.client.bound->management.kind, Kind::kResumed);
  EXPECT_EQ(end.client.bound->management.peer_h, 3u);
  EXPECT_EQ(end.client.bound->jid.resource(), "old");
}

TEST(InitiatingManagement, BindsWhereTheSessionIsGone) {
  LoggedInClient end(lost());
  end.client.take();
  end.say(
      "<failed xmlns='urn:xmpp:sm:3' h='5'><item-not-found "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
  end.bind();
  EXPECT_THAT(end.client.take(), HasSubstr("<enable"));
  end.say("<enabled xmlns='urn:xmpp:sm:3' id='next' resume='1'/>");
  ASSERT_TRUE(end.client.bound);
  EXPECT_EQ(end.client.bound->management.kind, Kind::kEnabled);
  EXPECT_EQ(end.client.bound->management.lost_h, 5u);
  EXPECT_EQ(end.client.bound->management.enabled.id, "next");
}

TEST(InitiatingManagement, RefusesWhatIsNoAnswer) {
  for (const char* answer : {"<resumed xmlns='urn:xmpp:sm:3' previd='another' h='3'/>",
                             "<resumed xmlns='urn:xmpp:sm:3' previd='some-id'/>",
                             "<r xmlns='urn:xmpp:sm:3'/>", "<message/>"}) {
    LoggedInClient end(lost());
    end.say(answer);
    ASSERT_TRUE(end.client.failed) << answer;
    EXPECT_EQ(end.client.failed->error.code, Errc::kMalformed);
  }
  LoggedInClient end(wants(true));
  end.bind();
  end.say("<enabled xmlns='urn:xmpp:sm:3' resume='true'/>");
  EXPECT_TRUE(end.client.failed);
  LoggedInClient flooded(wants(true));
  flooded.bind();
  for (int i = 0; i <= 100; ++i) flooded.say("<message/>");
  EXPECT_TRUE(flooded.client.failed);
}

}  // namespace
}  // namespace balcony::stream::testing
