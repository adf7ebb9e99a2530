// The initiating machine against servers that refuse it, fail, or break the rules; from a script.
#include "stream/initiating_stream.h"

#include "base/base64.h"
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kGoodHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "from='capulet.example' id='s1' version='1.0'>";
constexpr std::string_view kOfferTls =
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
constexpr std::string_view kProceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
constexpr std::string_view kOfferScram =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>";
constexpr std::string_view kOfferPlain =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>PLAIN</mechanism></mechanisms></stream:features>";
constexpr std::string_view kSaslSuccess = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
constexpr std::string_view kOfferBind =
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>";

// A client that the server has brought as far as `features` inside TLS.
struct InsideTls : ClientEnd {
  explicit InsideTls(std::string_view features) : ClientEnd(juliet()) {
    start();
    feed(std::string(kGoodHeader) + std::string(kOfferTls));
    feed(kProceed);
    begin_tls({}, true);
    feed(std::string(kGoodHeader) + std::string(features));
  }
};

struct AwaitingBind : InsideTls {
  AwaitingBind() : InsideTls(kOfferPlain) {
    feed(kSaslSuccess);
    take();
    feed(std::string(kGoodHeader) + std::string(kOfferBind));
  }
};

// The id of the request that was sent last.
std::string id_in(std::string_view text) {
  const auto at = text.find("id='") + 4;
  return std::string(text.substr(at, text.find('\'', at) - at));
}

struct Refusal {
  const char* what;
  std::string header;
  std::string then;
  Errc code;
};

TEST(InitiatingStream, RefusesHeaders) {
  const std::string stream = "xmlns:stream='http://etherx.jabber.org/streams' ";
  const Refusal kRefusals[] = {
      {"no version", "<stream:stream xmlns='jabber:client' " + stream + "id='1'>", "",
       Errc::kMalformed},
      {"version 0.9", "<stream:stream xmlns='jabber:client' " + stream + "version='0.9'>", "",
       Errc::kMalformed},
      {"a server's stream", "<stream:stream xmlns='jabber:server' " + stream + "version='1.0'>", "",
       Errc::kMalformed},
      {"another root", "<html xmlns='jabber:client' version='1.0'>", "", Errc::kMalformed},
      {"somebody else",
       "<stream:stream xmlns='jabber:client' " + stream + "from='evil.example' version='1.0'>",
       std::string(kOfferTls), Errc::kMalformed},
      {"somebody else explains",
       "<stream:stream xmlns='jabber:client' " + stream + "from='evil.example' version='1.0'>",
       "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
       Errc::kNotFound},
      {"another first element", std::string(kGoodHeader), "<message/>", Errc::kMalformed},
      {"a second header's worth of junk", std::string(kGoodHeader), "<!-- -->",
       Errc::kXmlRestricted},
  };
  for (const Refusal& refusal : kRefusals) {
    ClientEnd client(juliet());
    client.start();
    client.take();
    client.feed(refusal.header);
    client.feed(refusal.then);
    ASSERT_TRUE(client.failed) << refusal.what;
    EXPECT_EQ(client.failed->error.code, refusal.code) << refusal.what;
    EXPECT_TRUE(client.ended) << refusal.what;
    EXPECT_THAT(client.out, ::testing::EndsWith("</stream:stream>")) << refusal.what;
    EXPECT_EQ(client.machine.state(), InitiatingStream::State::kEnded);
  }
}

TEST(InitiatingStream, SaslFailures) {
  const std::pair<const char*, Errc> kConditions[] = {
      {"aborted", Errc::kSaslAborted},
      {"account-disabled", Errc::kSaslAccountDisabled},
      {"credentials-expired", Errc::kSaslCredentialsExpired},
      {"encryption-required", Errc::kSaslEncryptionRequired},
      {"incorrect-encoding", Errc::kSaslIncorrectEncoding},
      {"invalid-authzid", Errc::kSaslInvalidAuthzid},
      {"invalid-mechanism", Errc::kSaslInvalidMechanism},
      {"malformed-request", Errc::kSaslMalformedRequest},
      {"mechanism-too-weak", Errc::kSaslMechanismTooWeak},
      {"not-authorized", Errc::kSaslNotAuthorized},
      {"temporary-auth-failure", Errc::kSaslTemporaryAuthFailure},
      {"something-new", Errc::kSaslNotAuthorized},
  };
  for (const auto& [name, code] : kConditions) {
    InsideTls client(kOfferScram);
    client.feed("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><" + std::string(name) +
                "/><text xml:lang='en'>So it is.</text></failure>");
    ASSERT_TRUE(client.failed) << name;
    EXPECT_EQ(client.failed->error.code, code) << name;
    EXPECT_EQ(client.failed->error.detail, "So it is.");
  }
}

TEST(InitiatingStream, StreamErrors) {
  const std::pair<const char*, Errc> kConditions[] = {
      {"conflict", Errc::kConflict},
      {"host-gone", Errc::kNotFound},
      {"policy-violation", Errc::kPolicyViolation},
      {"system-shutdown", Errc::kClosed},
      {"resource-constraint", Errc::kResourceConstraint},
      {"something-new", Errc::kUndefinedCondition},
  };
  for (const auto& [name, code] : kConditions) {
    InsideTls client(kOfferScram);
    client.take();
    client.feed("<stream:error><" + std::string(name) +
                " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
    ASSERT_TRUE(client.failed) << name;
    EXPECT_EQ(client.failed->error.code, code) << name;
    EXPECT_TRUE(client.failed->stream_error) << name;
    EXPECT_EQ(client.out, "</stream:stream>") << name;
  }
}

TEST(InitiatingStream, SeeOtherHostIsToldNotFollowed) {
  ClientEnd client(juliet());
  client.start();
  client.feed(std::string(kGoodHeader) +
              "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
              "[2001:db8::7]:9222</see-other-host></stream:error>");
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kRedirect);
  EXPECT_EQ(client.failed->see_other_host, "[2001:db8::7]:9222");
  EXPECT_TRUE(client.ended);
}

TEST(InitiatingStream, TlsFailure) {
  ClientEnd client(juliet());
  client.start();
  client.feed(std::string(kGoodHeader) + std::string(kOfferTls));
  client.feed("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kTls);
  EXPECT_FALSE(client.wants_tls);
}

// Servers from before XEP-0440: they bind by tls-unique, which TLS 1.3 has not.
TEST(InitiatingStream, BindingTypesThatAreNotAnnounced) {
  const std::string offer =
      "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
      "<mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM-SHA-1</mechanism>"
      "</mechanisms></stream:features>";
  const auto login = [&](std::vector<sasl::ChannelBinding> bindings) {
    ClientEnd client(juliet());
    client.start();
    client.feed(std::string(kGoodHeader) + std::string(kOfferTls));
    client.feed(kProceed);
    client.begin_tls(std::move(bindings), true);
    client.take();
    client.feed(std::string(kGoodHeader) + offer);
    return client.take();
  };
  const std::string unique = login({sasl::testing::end_point(), {"tls-unique", "finished"}});
  EXPECT_THAT(unique, HasSubstr("mechanism='SCRAM-SHA-1-PLUS'"));
  EXPECT_THAT(unique, HasSubstr(base64_encode("p=tls-unique")));  // whole groups of three
  const std::string none = login({sasl::testing::exporter(), sasl::testing::end_point()});
  EXPECT_THAT(none, HasSubstr("mechanism='SCRAM-SHA-1'"));
  EXPECT_THAT(none, HasSubstr(base64_encode("n,,")));
}

TEST(InitiatingStream, SuccessWithoutProofIsNone) {
  InsideTls client(kOfferScram);
  client.take();
  client.feed(kSaslSuccess);
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kSaslNotAuthorized);
  EXPECT_EQ(client.out, "</stream:stream>");
}

TEST(InitiatingStream, BadChallengesAreAborted) {
  const std::pair<const char*, Errc> kChallenges[] = {
      {"%%%", Errc::kSaslIncorrectEncoding},
      {"", Errc::kSaslMalformedRequest},
      // r=fyko,s=QSXCR+Q6sek8bf92,i=4096: a nonce that does not begin with ours
      {"cj1meWtvLHM9UVNYQ1IrUTZzZWs4YmY5MixpPTQwOTY=", Errc::kSaslNotAuthorized},
  };
  for (const auto& [data, code] : kChallenges) {
    InsideTls client(kOfferScram);
    client.take();
    client.feed("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + std::string(data) +
                "</challenge>");
    ASSERT_TRUE(client.failed) << data;
    const Errc got = client.failed->error.code;
    EXPECT_TRUE(got == code || got == Errc::kSaslMalformedRequest) << client.failed->error.detail;
    EXPECT_THAT(client.out, HasSubstr("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
  }
}

TEST(InitiatingStream, NothingOffered) {
  InsideTls client("<stream:features/>");
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kSaslInvalidMechanism);
}

TEST(InitiatingStream, BindAnswers) {
  const std::string bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>";
  const std::pair<std::string, std::optional<Errc>> kAnswers[] = {
      {"type='result'>" + bind + "<jid>juliet@capulet.example/x</jid></bind>", std::nullopt},
      {"type='result'>" + bind + "<jid>juliet@capulet.example</jid></bind>", Errc::kMalformed},
      {"type='result'>" + bind + "</bind>", Errc::kMalformed},
      {"type='result'>", Errc::kMalformed},
      {"type='set'>" + bind + "<jid>juliet@capulet.example/x</jid></bind>", Errc::kMalformed},
      {"type='error'><error type='wait'><resource-constraint "
       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
       Errc::kResourceConstraint},
  };
  for (const auto& [answer, code] : kAnswers) {
    AwaitingBind client;
    const std::string id = id_in(client.out.substr(client.out.rfind("<iq")));
    client.feed("<iq id='" + id + "' " + answer + "</iq>");
    EXPECT_EQ(client.bound.has_value(), !code.has_value()) << answer;
    ASSERT_EQ(client.failed.has_value(), code.has_value()) << answer;
    if (!code) continue;
    EXPECT_EQ(client.failed->error.code, *code) << answer;
  }
  AwaitingBind client;
  client.feed("<iq id='somebody-elses' type='result'/>");
  EXPECT_TRUE(client.failed);
}

TEST(InitiatingStream, ATransportThatFailsIsNotWrittenTo) {
  InsideTls client(kOfferScram);
  client.take();
  client.perform(client.machine.on_error(Error(Errc::kTimeout, "too slow")));
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kTimeout);
  EXPECT_EQ(client.out, "");
  client.feed("<message/>");
  EXPECT_EQ(client.out, "");
}

TEST(InitiatingStream, AStreamThatIsClosedEarly) {
  InsideTls client(kOfferScram);
  client.take();
  client.feed("</stream:stream>");
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->error.code, Errc::kClosed);
  EXPECT_EQ(client.out, "</stream:stream>");
}

}  // namespace
}  // namespace balcony::stream::testing
