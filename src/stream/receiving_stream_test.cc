// The receiving machine step by step: what a client sends, what it is answered, what the driver is
// asked to do.
#include "stream/receiving_stream.h"

#include "base/base64.h"
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using State = ReceivingStream::State;

constexpr std::string_view kOpen =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'>";
constexpr std::string_view kStartTls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
constexpr std::string_view kAbort = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

std::string auth(std::string_view mechanism, std::string_view text) {
  return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + std::string(mechanism) +
         "'>" + std::string(text) + "</auth>";
}
std::string plain(std::string_view user, std::string_view password, std::string_view authzid = "") {
  std::string message(authzid);
  message.append(1, '\0').append(user).append(1, '\0').append(password);
  return auth("PLAIN", base64_encode(message));
}
std::string failure(std::string_view condition) {
  return "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><" + std::string(condition) +
         "/></failure>";
}
std::string stream_error_of(std::string_view condition) {
  return "<stream:error><" + std::string(condition) +
         " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
}

struct InsideTls : ServerEnd {
  explicit InsideTls(const FakePolicy& policy, ReceivingOptions options = {})
      : ServerEnd(policy, options) {
    feed(kOpen);
    feed(kStartTls);
    begin_tls({sasl::testing::exporter()});
    take();
    feed(kOpen);
  }
};

struct LoggedIn : InsideTls {
  explicit LoggedIn(const FakePolicy& policy) : InsideTls(policy) {
    take();
    feed(plain("juliet", sasl::testing::kPassword));
    take();
    feed(kOpen);
  }
};

// ---- headers

TEST(ReceivingStream, AnswersAHeader) {
  FakePolicy policy;
  ServerEnd server(policy);
  server.feed(kOpen);
  EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                                     "xmlns:stream='http://etherx.jabber.org/streams' "
                                     "version='1.0' from='capulet.example' id='"));
  EXPECT_THAT(server.out,
              EndsWith("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
                       "<required/></starttls></stream:features>"));
  EXPECT_THAT(server.out, Not(HasSubstr(" to='")));
  EXPECT_EQ(server.machine.state(), State::kNegotiating);
  EXPECT_EQ(server.machine.domain(), kHost);
  EXPECT_EQ(server.machine.id().size(), 22u);
}

// RFC 6120 §4.7.2.
TEST(ReceivingStream, TellsWhoSaysWhoHeIs) {
  FakePolicy policy;
  const std::string head =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
      "to='capulet.example' version='1.0' from='";
  ServerEnd server(policy);
  server.feed(head + "Juliet@Capulet.Example/balcony'>");
  EXPECT_THAT(server.out, HasSubstr(" to='juliet@capulet.example'"));
  ServerEnd other(policy);
  other.feed(head + "@'>");
  EXPECT_THAT(other.out, Not(HasSubstr(" to='")));
}

TEST(ReceivingStream, RefusesHeaders) {
  struct Case {
    const char* header;
    const char* condition;
  };
  const Case kCases[] = {
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='capulet.example'>",
       "unsupported-version"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='capulet.example' version='0.9'>",
       "unsupported-version"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='capulet.example' version='one'>",
       "unsupported-version"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "version='1.0'>",
       "improper-addressing"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='juliet@capulet.example' version='1.0'>",
       "improper-addressing"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='montague.example' version='1.0'>",
       "host-unknown"},
      {"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='capulet.example' version='1.0'>",
       "invalid-namespace"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='urn:example' to='capulet.example' "
       "version='1.0'>",
       "invalid-namespace"},
      {"<stream:streams xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "to='capulet.example' version='1.0'>",
       "bad-format"},
      {"<!DOCTYPE x>", "restricted-xml"},
      {"\xFF\xFE", "unsupported-encoding"},
      {"hello", "not-well-formed"},
  };
  for (const Case& c : kCases) {
    FakePolicy policy;
    ServerEnd server(policy);
    server.feed(c.header);
    // RFC 6120 §4.9.1.2: inside a stream of ours.
    EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream ")) << c.header;
    EXPECT_THAT(server.out, HasSubstr(stream_error_of(c.condition))) << c.header;
    EXPECT_THAT(server.out, EndsWith("</stream:error></stream:stream>")) << c.header;
    EXPECT_THAT(server.out, Not(HasSubstr("features"))) << c.header;
    EXPECT_TRUE(server.ended);
    EXPECT_TRUE(server.error);
    server.take();
    server.feed("<presence/>");
    EXPECT_EQ(server.out, "");
  }
}

TEST(ReceivingStream, TakesVersionsOfTheSameMajorNumber) {
  for (const char* version : {"1.0", "1.1", "01.9", "2.0"}) {
    FakePolicy policy;
    ServerEnd server(policy);
    server.feed(
        "<stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='" +
        std::string(version) + "'>");
    EXPECT_FALSE(server.ended) << version;
    EXPECT_THAT(server.out, HasSubstr("version='1.0'")) << version;
  }
}

// ---- TLS and restarts

TEST(ReceivingStream, StartTls) {
  FakePolicy policy;
  ServerEnd server(policy);
  server.feed(kOpen);
  const std::string first_id = server.machine.id();
  server.take();
  server.feed(kStartTls);
  EXPECT_EQ(server.out, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_TRUE(server.wants_tls);
  server.take();
  server.begin_tls({sasl::testing::exporter()});
  EXPECT_EQ(server.out, "");
  server.feed(kOpen);
  EXPECT_NE(server.machine.id(), first_id);
  EXPECT_THAT(server.out, Not(HasSubstr("starttls")));
  EXPECT_THAT(server.out, HasSubstr("<mechanism>SCRAM-SHA-512-PLUS</mechanism>"));
  EXPECT_THAT(server.out, HasSubstr("<channel-binding type='tls-exporter'/>"));
}

// XEP-0440 §3: a client that sees types and no -PLUS mechanism has to think the worst.
TEST(ReceivingStream, NoBindingTypesWithoutAMechanismForThem) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  InsideTls server(policy);
  EXPECT_THAT(server.out, HasSubstr("<mechanism>PLAIN</mechanism>"));
  EXPECT_THAT(server.out, Not(HasSubstr("channel-binding")));
}

TEST(ReceivingStream, StartTlsIsNotTwice) {
  FakePolicy policy;
  InsideTls server(policy);
  server.take();
  server.feed(kStartTls);
  EXPECT_EQ(server.out, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
  EXPECT_TRUE(server.ended);
}

TEST(ReceivingStream, ARestartKeepsTheHost) {
  struct TwoHosts final : ReceivingPolicy {
    bool serves(std::string_view) const override { return true; }
    std::vector<std::string> mechanisms(std::string_view) const override { return {"PLAIN"}; }
    std::string fake_secret(std::string_view) const override { return "0123456789abcdef"; }
    std::uint32_t iterations(std::string_view) const override { return 4096; }
    bool registration(std::string_view) const override { return false; }
    void add_features(std::string_view, xml::Element&) const override {}
  } policy;
  SeededRandom random(1);
  ReceivingStream machine(policy, random, {});
  xml::StreamHeader header = xml::parse_stream_header(kOpen.substr(21), {}).value();
  machine.on_header(header);
  header.to = "montague.example";  // nothing was negotiated yet: a second header is still wrong
  const Actions again = machine.on_header(header);
  EXPECT_THAT(std::get<Send>(again.at(0)).bytes, HasSubstr("bad-format"));

  ReceivingStream other(policy, random, {});
  header.to = "capulet.example";
  other.on_header(header);
  other.on_element(xml::Element(ns::kTls, "starttls"));
  other.on_tls({});
  header.to = "montague.example";
  const Actions refused = other.on_header(header);
  ASSERT_EQ(refused.size(), 3u);
  EXPECT_THAT(std::get<Send>(refused[0]).bytes, HasSubstr("<stream:stream"));
  EXPECT_THAT(std::get<Send>(refused[1]).bytes, HasSubstr("not-authorized"));
}

// An error between a restart and the new header stands in a stream of its own.
TEST(ReceivingStream, ErrorsAfterARestartHaveAHeader) {
  FakePolicy policy;
  ServerEnd tls(policy);
  tls.feed(kOpen);
  tls.feed(kStartTls);
  const std::string id = tls.machine.id();
  tls.begin_tls({});
  tls.take();
  tls.feed("<!-- -->");
  EXPECT_THAT(tls.out, StartsWith("<?xml version='1.0'?><stream:stream "));
  EXPECT_THAT(tls.out, HasSubstr("restricted-xml"));
  EXPECT_NE(tls.machine.id(), id);

  InsideTls sasl(policy);
  sasl.feed(plain("juliet", sasl::testing::kPassword));
  sasl.take();
  sasl.perform(sasl.machine.end({StreamCondition::kSystemShutdown, ""}));
  EXPECT_THAT(sasl.out, StartsWith("<?xml version='1.0'?><stream:stream "));
  EXPECT_THAT(sasl.out, HasSubstr("system-shutdown"));
}

TEST(ReceivingStream, NothingIsClosedThatWasNotOpened) {
  FakePolicy policy;
  ServerEnd server(policy);
  server.perform(server.machine.close());
  EXPECT_EQ(server.out, "");
  EXPECT_TRUE(server.ended);
}

// ---- before authentication

TEST(ReceivingStream, NothingElseBeforeAuthentication) {
  struct Case {
    const char* sent;
    const char* condition;
  };
  const Case kCases[] = {
      {"<message to='juliet@capulet.example'/>", "not-authorized"},
      {"<presence/>", "not-authorized"},
      {"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "not-authorized"},
      {"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
       "not-authorized"},
      {"<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>", "not-authorized"},
      {"<stream:features/>", "unsupported-stanza-type"},
      {"<enable xmlns='urn:xmpp:sm:3'/>", "unsupported-stanza-type"},
      {"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "unsupported-stanza-type"},
  };
  for (const Case& c : kCases) {
    FakePolicy policy;
    InsideTls server(policy);
    server.take();
    server.feed(c.sent);
    EXPECT_THAT(server.out, StartsWith(stream_error_of(c.condition))) << c.sent;
    EXPECT_TRUE(server.ended);
  }
}

TEST(ReceivingStream, RegistrationWhereItIsOpen) {
  FakePolicy policy;
  policy.open_registration = true;
  ServerEnd server(policy);
  server.feed(kOpen);
  server.take();
  server.feed("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>");
  EXPECT_THAT(server.out, StartsWith(stream_error_of("not-authorized"))) << "not without TLS";

  InsideTls inside(policy);
  EXPECT_THAT(inside.take(),
              HasSubstr("<register xmlns='http://jabber.org/features/iq-register'/>"));
  inside.feed("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>");
  EXPECT_THAT(inside.out, HasSubstr("<username/>"));
  EXPECT_EQ(inside.machine.state(), State::kNegotiating);
}

TEST(ReceivingStream, APeersStreamErrorAndItsEnd) {
  for (const char* last : {"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                           "</stream:error>",
                           "</stream:stream>"}) {
    FakePolicy policy;
    InsideTls server(policy);
    server.take();
    server.feed(last);
    EXPECT_EQ(server.out, "</stream:stream>") << last;
    EXPECT_TRUE(server.ended);
    EXPECT_FALSE(server.error);
  }
}

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
    InsideTls server(policy);
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
  server.feed(kOpen);
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
    server.feed(kOpen);
    server.feed(kStartTls);
    server.begin_tls({});  // no binding: the 'n' of the message is then no lie
    server.feed(kOpen);
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
  InsideTls server(policy, options);
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
  machine.on_header(xml::parse_stream_header(kOpen.substr(21), {}).value());
  auto element = xml::parse(plain("juliet", "x"), {}, {});
  const Actions asked = machine.on_element(*std::move(element));
  ASSERT_TRUE(std::holds_alternative<VerifyPassword>(asked.at(0)));
  EXPECT_EQ(machine.state(), State::kWaiting);
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
  EXPECT_EQ(server.machine.state(), State::kNegotiating);
  server.feed(
      "<iq type='set' id='b3'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>balcony</resource></bind></iq>");
  EXPECT_EQ(server.out,
            "<iq id='b3' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<jid>juliet@capulet.example/balcony</jid></bind></iq>");
  EXPECT_EQ(server.machine.state(), State::kBound);
}

// XEP-0198 §5: after authentication, instead of binding.
TEST(ReceivingStream, Resumes) {
  FakePolicy policy;
  LoggedIn server(policy);
  server.take();
  server.feed("<resume xmlns='urn:xmpp:sm:3' previd='lost' h='7'/>");
  EXPECT_EQ(server.resumed_h, 7u);
  EXPECT_EQ(server.out, "<resumed xmlns='urn:xmpp:sm:3' previd='lost' h='5'/>");
  EXPECT_EQ(server.machine.state(), State::kBound);
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
  EXPECT_EQ(server.machine.state(), State::kBound);
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
