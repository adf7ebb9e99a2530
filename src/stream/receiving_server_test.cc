// The receiving end of a stream between servers, step by step: headers, features, EXTERNAL, the
// end. Whole negotiations are in server_pair_test.cc.
#include "stream/receiving_server_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using State = ReceivingServer::State;

// ---- headers

TEST(ReceivingServer, AnswersAHeader) {
  FakeServers policy({kMontague});
  ReceivingEnd server(policy);
  server.feed(kOpen);
  EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
                                     "xmlns:stream='http://etherx.jabber.org/streams' "
                                     "xmlns:db='jabber:server:dialback' version='1.0' "
                                     "from='montague.example' to='capulet.example' id='"));
  // RFC 6120 §5.3.1: TLS and nothing else.
  EXPECT_THAT(server.out,
              EndsWith("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
                       "<required/></starttls></stream:features>"));
  EXPECT_EQ(server.machine.domain(), kMontague);
  EXPECT_EQ(server.machine.peer(), kCapulet);
  EXPECT_EQ(server.machine.id().size(), 22u);
}

TEST(ReceivingServer, RefusesHeaders) {
  struct Case {
    std::string header;
    const char* condition;
  };
  const std::string_view kStreams = "xmlns:stream='http://etherx.jabber.org/streams'";
  const Case kCases[] = {
      {header("from='capulet.example' to='nobody.example' version='1.0'"), "host-unknown"},
      {header("from='capulet.example' version='1.0'"), "improper-addressing"},
      {header("from='capulet.example' to='juliet@montague.example' version='1.0'"),
       "improper-addressing"},
      {header("from='a@capulet.example' to='montague.example' version='1.0'"),
       "improper-addressing"},
      {header("from='montague.example' to='montague.example' version='1.0'"), "invalid-from"},
      {header("from='denied.example' to='montague.example' version='1.0'"), "policy-violation"},
      {header("from='capulet.example' to='montague.example' version='0.9'"), "unsupported-version"},
      // RFC 7590 §3.4: no version, no TLS.
      {header("from='capulet.example' to='montague.example'"), "policy-violation"},
      {"<stream:stream xmlns='jabber:client' " + std::string(kStreams) +
           " to='montague.example' version='1.0'>",
       "invalid-namespace"},
      {"<stream:stream xmlns='jabber:server' xmlns:stream='urn:example' to='montague.example' "
       "version='1.0'>",
       "invalid-namespace"},
      {"<stream:stream xmlns='jabber:server' xmlns:db='urn:example' " + std::string(kStreams) +
           " to='montague.example' version='1.0'>",
       "invalid-namespace"},
      {"<stream:other xmlns='jabber:server' " + std::string(kStreams) +
           " to='montague.example' version='1.0'>",
       "bad-format"},
      {"<!DOCTYPE x>", "restricted-xml"},
      {"hello", "not-well-formed"},
  };
  for (const Case& c : kCases) {
    FakeServers policy({kMontague});
    policy.denied = {"denied.example"};
    ReceivingEnd server(policy);
    server.feed(c.header);
    EXPECT_THAT(server.out, StartsWith("<?xml version='1.0'?><stream:stream ")) << c.header;
    EXPECT_THAT(server.out, HasSubstr(error_of(c.condition))) << c.header;
    EXPECT_THAT(server.out, EndsWith("</stream:error></stream:stream>")) << c.header;
    EXPECT_THAT(server.out, Not(HasSubstr("features"))) << c.header;
    EXPECT_TRUE(server.ended);
    server.take();
    server.feed(kKey);
    EXPECT_EQ(server.out, "");
  }
}

// RFC 6120 §4.7.5.
TEST(ReceivingServer, AStreamWithoutVersionHasDialbackOnly) {
  FakeServers policy({kMontague});
  policy.trusted.tls_required = false;
  ReceivingEnd server(policy);
  server.feed(header("from='capulet.example' to='montague.example'"));
  EXPECT_THAT(server.out, Not(HasSubstr(" version='1.0' ")));
  EXPECT_THAT(server.out, Not(HasSubstr("features")));
  EXPECT_FALSE(server.machine.has_version());
  server.feed(kKey);
  ASSERT_EQ(server.keys.size(), 1u);
  EXPECT_EQ(server.keys[0].id, server.machine.id());
  server.perform(server.machine.on_key(server.keys[0].pair, {}));
  EXPECT_EQ(server.machine.state(), State::kOpen);
}

TEST(ReceivingServer, ARestartKeepsTheDomains) {
  FakeServers policy({kMontague, "chat.montague.example"});
  ReceivingEnd server(policy);
  server.feed(kOpen);
  const std::string first = server.machine.id();
  server.feed("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_TRUE(server.wants_tls);
  server.begin_tls();
  server.take();
  server.feed(header("from='capulet.example' to='chat.montague.example' version='1.0'"));
  EXPECT_THAT(server.out, HasSubstr(error_of("not-authorized")));
  EXPECT_NE(server.machine.id(), first);

  Inside other(policy, {kCapulet});
  other.server.feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
  other.server.feed(header("from='evil.example' to='montague.example' version='1.0'"));
  EXPECT_THAT(other.server.out, HasSubstr(error_of("invalid-from")));
  EXPECT_THAT(other.server.news, IsEmpty());
}

// ---- features

TEST(ReceivingServer, OffersExternalToWhomItLetsIn) {
  FakeServers policy({kMontague});
  Inside certified(policy, {kCapulet});
  EXPECT_THAT(certified.features, HasSubstr("<mechanism>EXTERNAL</mechanism>"));
  EXPECT_THAT(certified.features, HasSubstr("<bidi xmlns='urn:xmpp:features:bidi'/>"));
  EXPECT_THAT(certified.features, HasSubstr("<dialback xmlns='urn:xmpp:features:dialback'>"
                                            "<errors/></dialback>"));
  EXPECT_THAT(certified.features, Not(HasSubstr("urn:xmpp:sm:3")));
  certified.authenticate();
  EXPECT_THAT(certified.features, Not(HasSubstr("EXTERNAL")));
  EXPECT_THAT(certified.features, Not(HasSubstr("bidi")));
  EXPECT_THAT(certified.features, HasSubstr("<sm xmlns='urn:xmpp:sm:3'/>"));
  EXPECT_EQ(certified.server.machine.state(), State::kOpen);

  Inside wrong(policy, {"other.example"});
  EXPECT_THAT(wrong.features, Not(HasSubstr("EXTERNAL")));
  EXPECT_EQ(wrong.server.machine.certificate_error(), "it is for other names");
  EXPECT_THAT(wrong.features, HasSubstr("<sm xmlns='urn:xmpp:sm:3'/>"));

  // Who does not say who he is cannot be certified.
  ReceivingEnd nobody(policy);
  nobody.certified = {kCapulet, ""};
  nobody.begin_tls();
  nobody.feed(header("to='montague.example' version='1.0'"));
  EXPECT_THAT(nobody.out, Not(HasSubstr("EXTERNAL")));
  EXPECT_THAT(nobody.out, HasSubstr("dialback"));
}

TEST(ReceivingServer, WaitsForTheCertificate) {
  FakeServers policy({kMontague});
  SeededRandom random(1);
  ReceivingServer machine(policy, random, {});
  machine.on_tls(true);
  const auto actions = machine.on_header(xml::parse_stream_header(kOpen, {}).value());
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(std::get<CheckCertificate>(actions[1]).domain, kCapulet);
  EXPECT_EQ(machine.state(), State::kWaiting);
  EXPECT_THAT(machine.on_certificate("other.example", {}), IsEmpty());
  EXPECT_THAT(std::get<Send>(machine.on_certificate(kCapulet, {}).at(0)).bytes,
              HasSubstr("EXTERNAL"));
  EXPECT_EQ(machine.state(), State::kNegotiating);
}

// ---- EXTERNAL (XEP-0178 §3)

TEST(ReceivingServer, ExternalWithAnAuthzid) {
  struct Case {
    const char* text;
    const char* answer;
  };
  const Case kCases[] = {
      {"=", "<success "},
      {"Y2FwdWxldC5leGFtcGxl", "<success "},             // capulet.example
      {"Q2FwdWxldC5FeGFtcGxl", "<success "},             // Capulet.Example
      {"ZXZpbC5leGFtcGxl", "<invalid-authzid"},          // evil.example
      {"YUBjYXB1bGV0LmV4YW1wbGU=", "<invalid-authzid"},  // a@capulet.example
      {"!", "<incorrect-encoding"},
  };
  for (const Case& c : kCases) {
    FakeServers policy({kMontague});
    Inside inside(policy, {kCapulet});
    inside.server.feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" +
                       std::string(c.text) + "</auth>");
    EXPECT_THAT(inside.server.out, HasSubstr(c.answer)) << c.text;
    EXPECT_FALSE(inside.server.ended);
  }
}

TEST(ReceivingServer, ExternalWithoutAnInitialResponse) {
  FakeServers policy({kMontague});
  Inside inside(policy, {kCapulet});
  inside.server.feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>");
  EXPECT_EQ(inside.server.take(), "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  inside.server.feed("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  EXPECT_THAT(inside.server.take(), HasSubstr("<success "));
}

TEST(ReceivingServer, ExternalThatWasNotOffered) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  const std::string auth =
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";
  inside.server.feed(auth);
  EXPECT_THAT(inside.server.take(), HasSubstr("<not-authorized"));
  // Dialback may follow.
  inside.server.feed(kKey);
  EXPECT_EQ(inside.server.keys.size(), 1u);
  inside.server.feed(auth);
  inside.server.feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>=</auth>");
  EXPECT_THAT(inside.server.out, HasSubstr("<invalid-mechanism"));
  EXPECT_THAT(inside.server.out, HasSubstr(error_of("policy-violation"))) << "three are enough";

  ReceivingEnd clear(policy);
  clear.feed(kOpen);
  clear.take();
  clear.feed(auth);
  EXPECT_THAT(clear.out, HasSubstr("<encryption-required"));
}

// ---- the rest

TEST(ReceivingServer, OtherElements) {
  for (const char* sent : {"<unknown xmlns='urn:example'/>", "<stream:features/>",
                           "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}) {
    FakeServers policy({kMontague});
    Inside inside(policy, {kCapulet});
    inside.server.feed(sent);
    EXPECT_THAT(inside.server.out, StartsWith(error_of("unsupported-stanza-type"))) << sent;
    EXPECT_TRUE(inside.server.ended);
  }
}

TEST(ReceivingServer, StartTlsTwice) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  inside.server.feed("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_EQ(inside.server.out,
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
  EXPECT_TRUE(inside.server.ended);
}

TEST(ReceivingServer, BidiComesBeforeAuthentication) {
  FakeServers policy({kMontague});
  Inside late(policy, {kCapulet});
  late.authenticate();
  late.server.feed("<bidi xmlns='urn:xmpp:bidi'/>");
  EXPECT_FALSE(late.server.machine.is_bidirectional());
  EXPECT_FALSE(late.server.ended);
  ReceivingServerOptions options;
  options.bidi = false;
  Inside off(policy, {kCapulet}, options);
  EXPECT_THAT(off.features, Not(HasSubstr("bidi")));
  off.server.feed("<bidi xmlns='urn:xmpp:bidi'/>");
  EXPECT_FALSE(off.server.machine.is_bidirectional());
}

TEST(ReceivingServer, APeersStreamErrorIsTold) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  inside.server.feed(
      "<stream:error><host-gone xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
      "</stream:error>");
  EXPECT_EQ(inside.server.out, "</stream:stream>");
  ASSERT_TRUE(inside.server.failed);
  EXPECT_EQ(inside.server.failed->stream_error->condition, StreamCondition::kHostGone);
  EXPECT_TRUE(inside.server.ended);
}

TEST(ReceivingServer, WhatWaitsIsAnsweredAtTheEnd) {
  FakeServers policy({kMontague, "chat.montague.example"});
  Inside inside(policy);
  inside.server.feed("<bidi xmlns='urn:xmpp:bidi'/>" + std::string(kKey));
  inside.server.perform(inside.server.machine.on_key(inside.server.keys[0].pair, {}));
  inside.server.perform(inside.server.machine.open_pair({"chat.montague.example", kCapulet}));
  inside.server.news.clear();
  inside.server.feed("</stream:stream>");
  EXPECT_THAT(inside.server.news,
              ElementsAre("refused chat.montague.example capulet.example closed"));
  EXPECT_TRUE(inside.server.ended);
}

TEST(ReceivingServer, EndsOnlyOnce) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  inside.server.perform(inside.server.machine.end({StreamCondition::kSystemShutdown, ""}));
  EXPECT_THAT(inside.server.take(), EndsWith("</stream:error></stream:stream>"));
  inside.server.perform(inside.server.machine.end({StreamCondition::kReset, ""}));
  inside.server.perform(inside.server.machine.close());
  inside.server.perform(inside.server.machine.on_stream_end());
  inside.server.perform(inside.server.machine.on_error(Error(Errc::kXmlTooBig)));
  inside.server.perform(inside.server.machine.on_tls(true));
  EXPECT_EQ(inside.server.out, "");
}

}  // namespace
}  // namespace balcony::stream::testing
