// The receiving machine step by step: headers, TLS and what comes before a login.
#include "stream/receiving_stream.h"

#include "stream/receiving_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// ---- headers

TEST(ReceivingStream, AnswersAHeader) {
  FakePolicy policy;
  ServerEnd server(policy);
  server.feed(kClientOpen);
  EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                                     "xmlns:stream='http://etherx.jabber.org/streams' "
                                     "version='1.0' from='capulet.example' id='"));
  EXPECT_THAT(server.out,
              EndsWith("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
                       "<required/></starttls></stream:features>"));
  EXPECT_THAT(server.out, Not(HasSubstr(" to='")));
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kNegotiating);
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
  server.feed(kClientOpen);
  const std::string first_id = server.machine.id();
  server.take();
  server.feed(kStartTls);
  EXPECT_EQ(server.out, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_TRUE(server.wants_tls);
  server.take();
  server.begin_tls({sasl::testing::exporter()});
  EXPECT_EQ(server.out, "");
  server.feed(kClientOpen);
  EXPECT_NE(server.machine.id(), first_id);
  EXPECT_THAT(server.out, Not(HasSubstr("starttls")));
  EXPECT_THAT(server.out, HasSubstr("<mechanism>SCRAM-SHA-512-PLUS</mechanism>"));
  EXPECT_THAT(server.out, HasSubstr("<channel-binding type='tls-exporter'/>"));
}

// XEP-0440 §3: a client that sees types and no -PLUS mechanism has to think the worst.
TEST(ReceivingStream, NoBindingTypesWithoutAMechanismForThem) {
  FakePolicy policy;
  policy.names = {"PLAIN"};
  ServerInsideTls server(policy);
  EXPECT_THAT(server.out, HasSubstr("<mechanism>PLAIN</mechanism>"));
  EXPECT_THAT(server.out, Not(HasSubstr("channel-binding")));
}

TEST(ReceivingStream, StartTlsIsNotTwice) {
  FakePolicy policy;
  ServerInsideTls server(policy);
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
  xml::StreamHeader header = xml::parse_stream_header(kClientOpen.substr(21), {}).value();
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
  tls.feed(kClientOpen);
  tls.feed(kStartTls);
  const std::string id = tls.machine.id();
  tls.begin_tls({});
  tls.take();
  tls.feed("<!-- -->");
  EXPECT_THAT(tls.out, StartsWith("<?xml version='1.0'?><stream:stream "));
  EXPECT_THAT(tls.out, HasSubstr("restricted-xml"));
  EXPECT_NE(tls.machine.id(), id);

  ServerInsideTls sasl(policy);
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
    ServerInsideTls server(policy);
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
  server.feed(kClientOpen);
  server.take();
  server.feed("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>");
  EXPECT_THAT(server.out, StartsWith(stream_error_of("not-authorized"))) << "not without TLS";

  ServerInsideTls inside(policy);
  EXPECT_THAT(inside.take(),
              HasSubstr("<register xmlns='http://jabber.org/features/iq-register'/>"));
  inside.feed("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>");
  EXPECT_THAT(inside.out, HasSubstr("<username/>"));
  EXPECT_EQ(inside.machine.state(), ReceivingStream::State::kNegotiating);
}

TEST(ReceivingStream, APeersStreamErrorAndItsEnd) {
  for (const char* last : {"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                           "</stream:error>",
                           "</stream:stream>"}) {
    FakePolicy policy;
    ServerInsideTls server(policy);
    server.take();
    server.feed(last);
    EXPECT_EQ(server.out, "</stream:stream>") << last;
    EXPECT_TRUE(server.ended);
    EXPECT_FALSE(server.error);
  }
}

}  // namespace
}  // namespace balcony::stream::testing
