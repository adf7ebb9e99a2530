// The receiving machine step by step: SASL and binding.
#include "base/base64.h"
#include "stream/receiving_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// ---- SASL

TEST(ReceivingStream, SaslFailures) {
  struct Case {
    std::string sent;
    const char* condition;
  };
  const std::string response = "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
  const Case kCases[] = {
      {plain("juliet", "wrong"), "not-authorized"},
      {plain("nobody", "wrong"), "not-authorized"},
      {plain("juliet", sasl::testing::kPassword, "romeo@capulet.example"), "invalid-authzid"},
      {plain("juliet", sasl::testing::kPassword, "juliet@montague.example"), "invalid-authzid"},
      {plain("juliet", sasl::testing::kPassword, "juliet@capulet.example/x"), "invalid-authzid"},
      {auth("DIGEST-MD5", ""), "invalid-mechanism"},
      {auth("", ""), "invalid-mechanism"},
      {auth("EXTERNAL", "="), "invalid-mechanism"},
      {auth("ANONYMOUS", "="), "invalid-mechanism"},
      {auth("PLAIN", "%%%"), "incorrect-encoding"},
      {auth("PLAIN", "AGp1bGlldA"), "incorrect-encoding"},
      {auth("PLAIN", "="), "malformed-request"},
      {auth("PLAIN", base64_encode("juliet")), "malformed-request"},
      {auth("SCRAM-SHA-1", base64_encode("n,,n=juliet")), "malformed-request"},
      {response, "malformed-request"},
      {std::string(kAbort), "aborted"},
  };
  for (const Case& c : kCases) {
    FakePolicy policy;
    ServerInsideTls server(policy);
    server.take();
    server.feed(c.sent);
    EXPECT_EQ(server.out, failure(c.condition)) << c.sent;
    EXPECT_FALSE(server.ended) << c.sent;
    EXPECT_EQ(server.failures.size(), 1u) << c.sent;
    // RFC 6120 §6.4.5: another attempt is possible.
    server.take();
    server.feed(plain("juliet", sasl::testing::kPassword, "juliet@capulet.example"));
    EXPECT_EQ(server.out, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>") << c.sent;
  }
}

TEST(ReceivingStream, NoSaslBeforeTls) {
  FakePolicy policy;
  ServerEnd server(policy);
  server.feed(kClientOpen);
  server.take();
  server.feed(plain("juliet", sasl::testing::kPassword));
  EXPECT_EQ(server.out, failure("encryption-required"));
  EXPECT_FALSE(server.machine.authenticated());
}

TEST(ReceivingStream, AbortAndInterruptionDuringAnAttempt) {
  const std::string first = auth("SCRAM-SHA-256", base64_encode("n,,n=juliet,r=abc"));
  for (const auto& [then, condition] :
       {std::pair<std::string, std::string>{std::string(kAbort), "aborted"},
        {first, "malformed-request"},
        {"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>", "malformed-request"}}) {
    FakePolicy policy;
    ServerEnd server(policy);
    server.feed(kClientOpen);
    server.feed(kStartTls);
    server.begin_tls({});  // no binding: the 'n' of the message is then no lie
    server.feed(kClientOpen);
    server.take();
    server.feed(first);
    EXPECT_THAT(server.take(), StartsWith("<challenge "));
    server.feed(then);
    EXPECT_EQ(server.out, failure(condition)) << then;
    EXPECT_FALSE(server.ended);
  }
}

TEST(ReceivingStream, AFewAttemptsAndNoMore) {
  FakePolicy policy;
  ReceivingOptions options;
  options.attempts_max = 3;
  ServerInsideTls server(policy, options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(server.ended);
    server.take();
    server.feed(plain("juliet", "wrong"));
  }
  EXPECT_THAT(server.out, StartsWith(failure("not-authorized")));
  EXPECT_THAT(server.out, HasSubstr(stream_error_of("policy-violation").substr(14)));
  EXPECT_TRUE(server.ended);
  EXPECT_EQ(server.failures.size(), 3u);
}

TEST(ReceivingStream, AStorageThatIsDownIsTemporary) {
  FakePolicy policy;
  SeededRandom random(1);
  ReceivingOptions options;
  options.tls_required = false;
  ReceivingStream machine(policy, random, options);
  machine.on_header(xml::parse_stream_header(kClientOpen.substr(21), {}).value());
  auto element = xml::parse(plain("juliet", "x"), {}, {});
  const Actions asked = machine.on_element(*std::move(element));
  ASSERT_TRUE(std::holds_alternative<VerifyPassword>(asked.at(0)));
  EXPECT_EQ(machine.state(), ReceivingStream::State::kWaiting);
  const Actions told = machine.on_verified(fail(Errc::kIo, "disk"));
  EXPECT_EQ(std::get<Send>(told.at(0)).bytes, failure("temporary-auth-failure"));
  EXPECT_EQ(std::get<AttemptFailed>(told.at(1)).error.code, Errc::kIo);
  // An answer that nobody waits for changes nothing.
  EXPECT_TRUE(machine.on_verified(true).empty());
  EXPECT_TRUE(machine.on_home(Jid::make("juliet", kHost)).empty());
  EXPECT_TRUE(machine.on_bound(Jid::make("juliet", kHost, "x")).empty());
  EXPECT_FALSE(machine.authenticated());
}

// ---- binding

TEST(ReceivingStream, FeaturesAfterLogin) {
  FakePolicy policy;
  policy.legacy_session = true;
  LoggedIn server(policy);
  EXPECT_TRUE(server.machine.authenticated());
  EXPECT_EQ(server.machine.mechanism(), "PLAIN");
  EXPECT_THAT(server.out, EndsWith("<stream:features>"
                                   "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                                   "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"
                                   "</stream:features>"));
}

TEST(ReceivingStream, Binds) {
  FakePolicy policy;
  LoggedIn server(policy);
  server.take();
  server.feed(
      "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>taken</resource></bind></iq>");
  EXPECT_THAT(server.out, StartsWith("<iq id='b1' type='error'><error type='"));
  EXPECT_THAT(server.take(), HasSubstr("<conflict "));
  server.feed("<iq type='get' id='b0'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  EXPECT_THAT(server.take(), HasSubstr("<bad-request "));
  server.feed("<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  EXPECT_THAT(server.take(), HasSubstr("<bad-request "));
  server.feed(
      "<iq type='set' id='b2'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  EXPECT_THAT(server.take(), HasSubstr("<bad-request "));
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kNegotiating);
  server.feed(
      "<iq type='set' id='b3'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>balcony</resource></bind></iq>");
  EXPECT_EQ(server.out,
            "<iq id='b3' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<jid>juliet@capulet.example/balcony</jid></bind></iq>");
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kBound);
}

// XEP-0198 §5: after authentication, instead of binding.
TEST(ReceivingStream, Resumes) {
  FakePolicy policy;
  LoggedIn server(policy);
  server.take();
  server.feed("<resume xmlns='urn:xmpp:sm:3' previd='lost' h='7'/>");
  EXPECT_EQ(server.resumed_h, 7u);
  EXPECT_EQ(server.out, "<resumed xmlns='urn:xmpp:sm:3' previd='lost' h='5'/>");
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kBound);
}

TEST(ReceivingStream, BindsWhereItCannotResume) {
  FakePolicy policy;
  LoggedIn server(policy);
  server.take();
  const auto failed = [](std::string_view condition) {
    return "<failed xmlns='urn:xmpp:sm:3'><" + std::string(condition) +
           " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
  };
  server.feed("<resume xmlns='urn:xmpp:sm:3' previd='other' h='7'/>");
  EXPECT_EQ(server.take(), failed("item-not-found"));
  server.feed("<resume xmlns='urn:xmpp:sm:3' previd='lost' h='-1'/>");
  EXPECT_EQ(server.take(), failed("bad-request"));
  server.feed("<enable xmlns='urn:xmpp:sm:3'/>");
  EXPECT_EQ(server.take(), failed("unexpected-request"));
  server.feed("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kBound);
}

TEST(ReceivingStream, NothingBeforeBinding) {
  const std::pair<const char*, const char*> kCases[] = {
      {"<message to='juliet@capulet.example'/>", "not-authorized"},
      {"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized"},
      {"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
       "unsupported-stanza-type"},
      {"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "unsupported-stanza-type"},
  };
  for (const auto& [sent, condition] : kCases) {
    FakePolicy policy;
    LoggedIn server(policy);
    server.take();
    server.feed(sent);
    EXPECT_THAT(server.out, StartsWith(stream_error_of(condition))) << sent;
    EXPECT_TRUE(server.ended);
  }
}

TEST(ReceivingStream, EndsOnlyOnce) {
  FakePolicy policy;
  LoggedIn server(policy);
  server.take();
  server.perform(server.machine.end({StreamCondition::kConflict, "elsewhere"}));
  EXPECT_THAT(server.take(), EndsWith("</stream:error></stream:stream>"));
  server.perform(server.machine.end({StreamCondition::kReset, ""}));
  server.perform(server.machine.close());
  server.perform(server.machine.on_stream_end());
  server.perform(server.machine.on_error(Error(Errc::kXmlTooBig)));
  EXPECT_EQ(server.out, "");
}

}  // namespace
}  // namespace balcony::stream::testing
