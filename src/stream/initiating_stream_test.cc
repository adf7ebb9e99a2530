// The initiating machine against the receiving one, and against servers that break the rules.
#include "stream/initiating_stream.h"

#include "base/base64.h"
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// ---- with our own server

class EveryMechanism : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryMechanism, LogsIn) {
  const bool plus = GetParam().ends_with("-PLUS");
  FakePolicy policy;
  policy.names = {plus ? GetParam().substr(0, GetParam().size() - 5) : GetParam()};
  InitiatingOptions options = juliet("balcony");
  options.anonymous = GetParam() == "ANONYMOUS";
  Pair pair(policy, std::move(options));
  if (!plus) pair.bindings.clear();
  pair.run();
  ASSERT_TRUE(pair.client.bound) << pair.transcript;
  EXPECT_EQ(pair.client.bound->mechanism, GetParam());
  EXPECT_EQ(pair.client.bound->jid.local(), GetParam() == "ANONYMOUS" ? "guest" : "juliet");
  EXPECT_EQ(pair.client.bound->jid.resource(), "balcony");
  EXPECT_EQ(pair.client.bound->keys.has_value(), GetParam().starts_with("SCRAM"));
  EXPECT_TRUE(pair.client.bound->features.child(ns::kBind, "bind"));
  EXPECT_EQ(pair.client.bound->server_lang, "en");
  EXPECT_EQ(pair.server.machine.state(), ReceivingStream::State::kBound);
}

INSTANTIATE_TEST_SUITE_P(Login, EveryMechanism,
                         ::testing::Values("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                           "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
                                           "SCRAM-SHA-512-PLUS", "PLAIN", "ANONYMOUS"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(InitiatingStream, TakesTheStrongestAndTheServersResource) {
  FakePolicy policy;
  Pair pair(policy, juliet());
  pair.run();
  ASSERT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.client.bound->mechanism, "SCRAM-SHA-512-PLUS");
  EXPECT_EQ(pair.client.bound->jid.str(), "juliet@capulet.example/made-here");
}

TEST(InitiatingStream, ACertificateIsTheLoginWhereItCounts) {
  FakePolicy policy;
  policy.trusted_host = kHost;
  const Jid nurse = Jid::make("nurse", kHost).value();
  for (const std::size_t addresses : {1U, 2U}) {
    InitiatingOptions options = juliet();
    options.password.clear();
    options.certificate_addresses = addresses;
    Pair pair(policy, std::move(options));
    pair.server.shown.emplace();
    pair.server.shown->host = kHost;
    pair.server.shown->addresses = {Jid::make("juliet", kHost).value()};
    if (addresses == 2) pair.server.shown->addresses.push_back(nurse);
    pair.run();
    ASSERT_TRUE(pair.client.bound) << pair.transcript;
    EXPECT_EQ(pair.client.bound->mechanism, "EXTERNAL");
    EXPECT_EQ(pair.client.bound->jid.local(), "juliet");
    // XEP-0178 §2, 10: an address is named only where there are several.
    const std::string named = base64_encode("juliet@capulet.example");
    EXPECT_EQ(pair.transcript.contains(named), addresses == 2) << pair.transcript;
  }
}

TEST(InitiatingStream, SaysWhoItIsOnlyInsideTls) {
  FakePolicy policy;
  Pair pair(policy, juliet());
  pair.run();
  const auto first = pair.transcript.find("<stream:stream");
  const auto second = pair.transcript.find("<stream:stream", first + 1);
  EXPECT_THAT(pair.transcript.substr(first, second - first), Not(HasSubstr("juliet")));
  EXPECT_THAT(pair.transcript, HasSubstr("from='juliet@capulet.example' to='capulet.example'"));
  EXPECT_THAT(pair.transcript, HasSubstr("from='capulet.example' to='juliet@capulet.example'"));
}

TEST(InitiatingStream, WrongPassword) {
  for (const char* mechanism : {"SCRAM-SHA-256", "PLAIN"}) {
    FakePolicy policy;
    policy.names = {mechanism};
    InitiatingOptions options = juliet();
    options.password = "wrong";
    Pair pair(policy, std::move(options));
    pair.run();
    ASSERT_TRUE(pair.client.failed);
    EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslNotAuthorized);
    EXPECT_TRUE(pair.client.ended);
    EXPECT_EQ(pair.server.failures, std::vector{Errc::kSaslNotAuthorized});
    EXPECT_TRUE(pair.server.ended);
  }
}

TEST(InitiatingStream, KeysDoInPlaceOfThePassword) {
  FakePolicy policy;
  Pair first(policy, juliet());
  first.run();
  ASSERT_TRUE(first.client.bound);
  InitiatingOptions options = juliet();
  options.password.clear();
  options.keys = first.client.bound->keys;
  Pair second(policy, std::move(options));
  second.run();
  EXPECT_TRUE(second.client.bound) << second.client.failed->error.to_string();
}

TEST(InitiatingStream, NeedsStartTls) {
  FakePolicy policy;
  ReceivingOptions server;
  server.tls_available = false;
  server.tls_required = false;
  Pair pair(policy, juliet(), server);
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kTls);
  EXPECT_THAT(pair.transcript, Not(HasSubstr("<auth")));
}

TEST(InitiatingStream, PlaintextOnlyWhereNobodyMinds) {
  FakePolicy policy;
  ReceivingOptions server;
  server.tls_required = false;
  InitiatingOptions options = juliet();
  options.tls = TlsPolicy::kPlaintext;
  Pair pair(policy, options, server);
  pair.run();
  ASSERT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.client.bound->mechanism, "SCRAM-SHA-512");
  EXPECT_THAT(pair.transcript, Not(HasSubstr("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                                             "<auth")));

  server.tls_required = true;
  Pair strict(policy, options, server);
  strict.run();
  ASSERT_TRUE(strict.client.failed);
  EXPECT_EQ(strict.client.failed->error.code, Errc::kTls);

  policy.names = {"PLAIN"};
  server.tls_required = false;
  Pair clear(policy, options, server);
  clear.run();
  ASSERT_TRUE(clear.client.failed);
  EXPECT_EQ(clear.client.failed->error.code, Errc::kSaslMechanismTooWeak);
  EXPECT_THAT(clear.transcript, Not(HasSubstr("<auth")));
}

TEST(InitiatingStream, NoPlainToAServerThatIsNotVerified) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  Pair pair(policy, juliet());
  pair.verified = false;
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslMechanismTooWeak);
}

TEST(InitiatingStream, PinnedMechanismIsNotLowered) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  InitiatingOptions options = juliet();
  options.pinned_mechanism = "SCRAM-SHA-256";
  Pair pair(policy, std::move(options));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kSaslMechanismTooWeak);
}

TEST(InitiatingStream, DirectTls) {
  FakePolicy policy;
  ReceivingOptions server;
  server.direct_tls = true;
  InitiatingOptions options = juliet();
  options.tls = TlsPolicy::kDirect;
  Pair pair(policy, std::move(options), server);
  pair.server_direct_tls = true;
  pair.run();
  EXPECT_TRUE(pair.client.bound);
  EXPECT_THAT(pair.transcript, Not(HasSubstr("starttls")));
}

TEST(InitiatingStream, LegacySession) {
  FakePolicy policy;
  policy.legacy_session = true;
  Pair pair(policy, juliet());
  pair.run();
  EXPECT_TRUE(pair.client.bound);
  EXPECT_THAT(pair.transcript,
              HasSubstr("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"));
}

TEST(InitiatingStream, ResourceConflict) {
  FakePolicy policy;
  Pair pair(policy, juliet("taken"));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kConflict);
  EXPECT_EQ(pair.client.failed->error.detail, "the resource is taken");
}

TEST(InitiatingStream, UnknownHost) {
  FakePolicy policy;
  Pair pair(policy, InitiatingOptions(*Jid::parse("romeo@montague.example")));
  pair.run();
  ASSERT_TRUE(pair.client.failed);
  EXPECT_EQ(pair.client.failed->error.code, Errc::kNotFound);
  ASSERT_TRUE(pair.client.failed->stream_error);
  EXPECT_EQ(pair.client.failed->stream_error->condition, StreamCondition::kHostUnknown);
}

TEST(InitiatingStream, RegistersThenLogsIn) {
  FakePolicy policy;
  policy.open_registration = true;
  InitiatingOptions options = juliet();
  options.register_first = true;
  Pair pair(policy, options);
  pair.run();
  EXPECT_TRUE(pair.client.registered);
  EXPECT_TRUE(pair.client.bound);
  EXPECT_EQ(pair.server.registration.view().child_text(ns::kRegister, "username"), "juliet");
  EXPECT_EQ(pair.server.registration.view().child_text(ns::kRegister, "password"),
            sasl::testing::kPassword);

  Pair again(policy, options);
  again.server.account_exists = true;
  again.run();
  ASSERT_TRUE(again.client.failed);
  EXPECT_EQ(again.client.failed->error.code, Errc::kConflict);

  Pair email(policy, options);
  email.server.asks_for_email = true;
  email.run();
  ASSERT_TRUE(email.client.failed);
  EXPECT_EQ(email.client.failed->error.code, Errc::kNotAcceptable);
  EXPECT_THAT(email.client.failed->error.detail, HasSubstr("email"));

  options.registration_fields["email"] = "juliet@capulet.example";
  Pair given(policy, options);
  given.server.asks_for_email = true;
  given.run();
  EXPECT_TRUE(given.client.bound);
}

// ---- with servers from a script

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
