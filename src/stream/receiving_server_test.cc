// The receiving end of a stream between servers, step by step; whole negotiations are in
// server_pair_test.cc.
#include "stream/receiving_server.h"

#include "stream/server_test_support.h"

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

std::string header(std::string_view attributes) {
  return "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
         "xmlns:stream='http://etherx.jabber.org/streams' " +
         std::string(attributes) + ">";
}
const std::string kOpen = header("from='capulet.example' to='montague.example' version='1.0'");
constexpr std::string_view kKey =
    "<db:result from='capulet.example' to='montague.example'>k</db:result>";

std::string error_of(std::string_view condition) {
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

// ---- dialback

TEST(ReceivingServer, RefusesPairs) {
  struct Case {
    const char* from;
    const char* to;
    const char* condition;
  };
  const Case kCases[] = {
      {"capulet.example", "nobody.example", "item-not-found"},
      {"chat.montague.example", "montague.example", "not-acceptable"},  // ours
      {"denied.example", "montague.example", "policy-violation"},
  };
  for (const Case& c : kCases) {
    FakeServers policy({kMontague, "chat.montague.example"});
    policy.denied = {"denied.example"};
    Inside inside(policy);
    inside.server.feed("<db:result from='" + std::string(c.from) + "' to='" + c.to +
                       "'>k</db:result>");
    EXPECT_THAT(inside.server.out, HasSubstr(c.condition));
    EXPECT_THAT(inside.server.out, StartsWith("<db:result from='" + std::string(c.to) + "' to='" +
                                              c.from + "' type='error'>"));
    EXPECT_FALSE(inside.server.ended) << "XEP-0220 §2.2.1: no stream error";
    EXPECT_THAT(inside.server.keys, IsEmpty());
  }
}

TEST(ReceivingServer, NoDialbackBeforeTls) {
  FakeServers policy({kMontague});
  ReceivingEnd server(policy);
  server.feed(kOpen);
  server.take();
  server.feed(kKey);
  EXPECT_THAT(server.take(), HasSubstr("<policy-violation"));
  server.feed("<db:verify from='capulet.example' to='montague.example' id='1'>k</db:verify>");
  EXPECT_THAT(server.take(), HasSubstr("<policy-violation"));
  EXPECT_THAT(server.keys, IsEmpty());
}

TEST(ReceivingServer, ElementsThatAreNoDialback) {
  const std::pair<const char*, const char*> kCases[] = {
      {"<db:result from='a@capulet.example' to='montague.example'>k</db:result>",
       "improper-addressing"},
      {"<db:result to='montague.example'>k</db:result>", "improper-addressing"},
      {"<db:result from='capulet.example' to='montague.example'/>", "bad-format"},
      {"<db:verify from='capulet.example' to='montague.example'>k</db:verify>", "bad-format"},
  };
  for (const auto& [sent, condition] : kCases) {
    FakeServers policy({kMontague});
    Inside inside(policy);
    inside.server.feed(sent);
    EXPECT_THAT(inside.server.out, StartsWith(error_of(condition))) << sent;
  }
}

// XEP-0220 §4.1: who sends answers to what nobody asked gains nothing.
TEST(ReceivingServer, AnswersThatNobodyAskedForAreIgnored) {
  for (const std::string bidi : {"", "<bidi xmlns='urn:xmpp:bidi'/>"}) {
    FakeServers policy({kMontague});
    Inside inside(policy);
    inside.server.feed(bidi + std::string(kKey));
    inside.server.feed(
        "<db:result from='capulet.example' to='montague.example' type='valid'/>"
        "<db:result from='montague.example' to='capulet.example' type='valid'/>");
    inside.server.feed("<db:verify from='capulet.example' to='montague.example' id='" +
                       inside.server.machine.id() + "' type='valid'/>");
    EXPECT_THAT(inside.server.news, IsEmpty());
    EXPECT_EQ(inside.server.machine.state(), State::kNegotiating);
    inside.server.feed(stanza("romeo@capulet.example", "juliet@montague.example", "m"));
    EXPECT_THAT(inside.server.out, StartsWith(error_of("not-authorized")));
  }
}

TEST(ReceivingServer, KeysThatNobodyAskedAboutAreIgnored) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  inside.server.perform(inside.server.machine.on_key({kCapulet, kMontague}, {}));
  EXPECT_THAT(inside.server.news, IsEmpty());
  EXPECT_EQ(inside.server.out, "");
}

TEST(ReceivingServer, TheSamePairTwice) {
  FakeServers policy({kMontague});
  Inside inside(policy);
  inside.server.feed(kKey);
  inside.server.feed(kKey);
  EXPECT_EQ(inside.server.keys.size(), 1u) << "asked once";
  inside.server.perform(inside.server.machine.on_key(inside.server.keys[0].pair, {}));
  EXPECT_EQ(inside.server.news.size(), 1u);
  inside.server.take();
  inside.server.feed(kKey);
  EXPECT_THAT(inside.server.out, HasSubstr("type='valid'"));
  EXPECT_EQ(inside.server.keys.size(), 1u) << "XEP-0220 §2.6: not verified again";
  EXPECT_EQ(inside.server.news.size(), 1u);
}

TEST(ReceivingServer, PairsAreBounded) {
  FakeServers policy({kMontague});
  ReceivingServerOptions options;
  options.pairs = {2, 2};
  Inside inside(policy, {}, options);
  const auto ask = [&](const std::string& from) {
    inside.server.feed("<db:result from='" + from + "' to='montague.example'>k</db:result>");
  };
  ask("a.example");
  ask("b.example");
  EXPECT_EQ(inside.server.take(), "");
  ask("c.example");
  EXPECT_THAT(inside.server.take(), HasSubstr("<resource-constraint"));
  inside.server.perform(inside.server.machine.on_key({"a.example", kMontague}, {}));
  inside.server.perform(inside.server.machine.on_key({"b.example", kMontague}, {}));
  inside.server.take();
  ask("d.example");
  EXPECT_THAT(inside.server.take(), HasSubstr("<resource-constraint"));
}

TEST(ReceivingServer, TlsForgetsWhatWasProvedBefore) {
  FakeServers policy({kMontague});
  policy.trusted.tls_required = false;
  ReceivingEnd server(policy);
  server.feed(kOpen);
  server.feed("<bidi xmlns='urn:xmpp:bidi'/>");
  server.feed(kKey);
  ASSERT_EQ(server.keys.size(), 1u);
  server.feed("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  server.begin_tls();
  server.perform(server.machine.on_key(server.keys[0].pair, {}));
  EXPECT_THAT(server.news, IsEmpty());
  EXPECT_FALSE(server.machine.is_bidirectional());
}

// ---- stanzas (RFC 6120 §8.1.1.2, §8.1.2.2)

TEST(ReceivingServer, StanzasBeforeAPairIsProved) {
  for (const char* sent :
       {"<message from='a@capulet.example' to='b@montague.example'/>", "<presence/>",
        "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"}) {
    FakeServers policy({kMontague});
    Inside inside(policy, {kCapulet});
    inside.server.feed(sent);
    EXPECT_THAT(inside.server.out, StartsWith(error_of("not-authorized"))) << sent;
    EXPECT_TRUE(inside.server.ended);
  }
}

TEST(ReceivingServer, AddressesOfStanzas) {
  struct Case {
    std::string sent;
    const char* condition;  // null: it comes in
  };
  const Case kCases[] = {
      {stanza("romeo@capulet.example/orchard", "juliet@montague.example", "m1"), nullptr},
      {stanza("capulet.example", "montague.example", "m1"), nullptr},
      {stanza("Romeo@Capulet.Example", "juliet@montague.example", "m1"), nullptr},
      {stanza("romeo@evil.example", "juliet@montague.example", "m1"), "invalid-from"},
      {stanza("romeo@sub.capulet.example", "juliet@montague.example", "m1"), "invalid-from"},
      {stanza("juliet@montague.example", "juliet@montague.example", "m1"), "invalid-from"},
      {stanza("romeo@capulet.example", "a@chat.montague.example", "m1"), "host-unknown"},
      {stanza("romeo@capulet.example", "a@nobody.example", "m1"), "host-unknown"},
      {"<message to='juliet@montague.example' id='m1'/>", "improper-addressing"},
      {"<message from='romeo@capulet.example' id='m1'/>", "improper-addressing"},
  };
  for (const Case& c : kCases) {
    FakeServers policy({kMontague, "chat.montague.example"});
    Inside inside(policy, {kCapulet});
    inside.authenticate();
    inside.server.feed(c.sent);
    EXPECT_EQ(inside.server.stanzas.size(), c.condition ? 0u : 1u) << c.sent;
    if (!c.condition) continue;
    EXPECT_THAT(inside.server.out, StartsWith(error_of(c.condition))) << c.sent;
    EXPECT_TRUE(inside.server.ended);
  }
}

// ---- stream management (XEP-0198 §3)

TEST(ReceivingServer, StreamManagementOnceAPairIsProved) {
  FakeServers policy({kMontague});
  Inside inside(policy, {kCapulet});
  inside.server.feed("<enable xmlns='urn:xmpp:sm:3'/>");
  EXPECT_THAT(inside.server.take(), HasSubstr("<unexpected-request"));
  inside.server.feed("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>");
  EXPECT_THAT(inside.server.take(), HasSubstr("<unexpected-request"));
  inside.authenticate();
  inside.server.feed("<resume xmlns='urn:xmpp:sm:3' h='0'/>");
  EXPECT_THAT(inside.server.take(), HasSubstr("<bad-request"));
  inside.server.feed("<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>");
  EXPECT_EQ(inside.server.resume->h, 1u);
  inside.server.feed("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  EXPECT_EQ(inside.server.enable, true);
  inside.server.take();
  inside.server.feed("<enable xmlns='urn:xmpp:sm:3'/>");
  EXPECT_THAT(inside.server.take(), HasSubstr("<unexpected-request")) << "once";
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
