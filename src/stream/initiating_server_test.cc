// The initiating end of a stream between servers, step by step; whole negotiations are in
// server_pair_test.cc.
#include "stream/initiating_server.h"

#include "stream/server_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string answer(std::string_view attributes) {
  return "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
         "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' " +
         std::string(attributes) + ">";
}
const std::string kServerHeader =
    answer("from='montague.example' to='capulet.example' id='417GAF25' version='1.0'");
const std::string kServerOfferTls =
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
const std::string kOfferDialback =
    "<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
    "</stream:features>";
const std::string kOfferExternal =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>EXTERNAL</mechanism></mechanisms></stream:features>";

struct Started {
  explicit Started(FakeServers& policy, InitiatingServerOptions options = to_montague())
      : client(policy, std::move(options)) {
    client.perform(client.machine.on_start());
    client.take();
  }
  InitiatingEnd client;
};

// Inside TLS, with the peer's features.
struct Opened {
  explicit Opened(FakeServers& policy, const std::string& features,
                  InitiatingServerOptions options = to_montague())
      : client(policy, std::move(options)) {
    client.certified = {kMontague};
    client.begin_tls();
    client.take();
    client.feed(kServerHeader + features);
  }
  InitiatingEnd client;
};

// ---- headers

TEST(InitiatingServer, SaysWhoItIs) {
  FakeServers policy({kCapulet});
  InitiatingEnd client(policy, to_montague());
  client.perform(client.machine.on_start());
  EXPECT_EQ(client.out,
            "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
            "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
            "version='1.0' from='capulet.example' to='montague.example' xml:lang='en'>");
}

TEST(InitiatingServer, RefusesHeaders) {
  struct Case {
    std::string header;
    const char* condition;
  };
  const Case kCases[] = {
      {answer("from='montague.example' id='1' version='0.9'"), "unsupported-version"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
       "id='1' version='1.0'>",
       "invalid-namespace"},
      {"<html xmlns='http://www.w3.org/1999/xhtml'>", "invalid-namespace"},
      {answer("from='evil.example' id='1' version='1.0'") + kServerOfferTls, "invalid-from"},
      {"HTTP/1.1 400 Bad Request", "not-well-formed"},
  };
  for (const Case& c : kCases) {
    FakeServers policy({kCapulet});
    Started started(policy);
    started.client.feed(c.header);
    ASSERT_TRUE(started.client.failed) << c.header;
    EXPECT_THAT(started.client.out, HasSubstr(c.condition)) << c.header;
    EXPECT_TRUE(started.client.ended);
  }
}

TEST(InitiatingServer, AServerThatKnowsNotTheDomain) {
  FakeServers policy({kCapulet});
  Started started(policy);
  // It answers as somebody else, and then says why.
  started.client.feed(answer("from='other.example' id='1' version='1.0'"));
  started.client.feed(
      "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
      "</stream:error></stream:stream>");
  ASSERT_TRUE(started.client.failed);
  EXPECT_EQ(started.client.failed->error.code, Errc::kNotFound);
  EXPECT_EQ(started.client.out, "</stream:stream>");
}

TEST(InitiatingServer, SeeOtherHost) {
  FakeServers policy({kCapulet});
  Started started(policy);
  started.client.feed(kServerHeader);
  started.client.feed(
      "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
      "[2001:db8::1]:5270</see-other-host></stream:error>");
  ASSERT_TRUE(started.client.failed);
  EXPECT_EQ(started.client.failed->error.code, Errc::kRedirect);
  EXPECT_EQ(started.client.failed->see_other_host, "[2001:db8::1]:5270");
}

// ---- TLS

TEST(InitiatingServer, NothingInClearWhereTlsIsRequired) {
  for (const std::string& offer :
       {std::string("<stream:features/>"), kOfferDialback, kOfferExternal}) {
    FakeServers policy({kCapulet});
    Started started(policy);
    started.client.feed(kServerHeader + offer);
    ASSERT_TRUE(started.client.failed);
    EXPECT_EQ(started.client.failed->error.code, Errc::kTls);
    EXPECT_EQ(started.client.out, "</stream:stream>");
  }
  // A server of 1999.
  FakeServers policy({kCapulet});
  Started started(policy);
  started.client.feed(answer("id='1'"));
  EXPECT_EQ(started.client.failed->error.code, Errc::kTls);
}

TEST(InitiatingServer, TlsThatCannotBegin) {
  FakeServers policy({kCapulet});
  Started started(policy);
  started.client.feed(kServerHeader + kServerOfferTls);
  EXPECT_EQ(started.client.take(), "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  started.client.feed("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
  ASSERT_TRUE(started.client.failed);
  EXPECT_EQ(started.client.failed->error.code, Errc::kTls);
}

TEST(InitiatingServer, ACertificateForSomebodyElse) {
  FakeServers policy({kCapulet});
  policy.trusted.certificate_required = true;
  for (const bool shows : {true, false}) {
    InitiatingEnd client(policy, to_montague());
    client.certified = {"other.example"};
    client.shows_certificate = shows;
    client.begin_tls();
    ASSERT_TRUE(client.failed);
    EXPECT_EQ(client.failed->error.code, Errc::kTls);
    EXPECT_FALSE(client.machine.is_certified());
    EXPECT_THAT(client.machine.certificate_error(), Not(IsEmpty()));
    EXPECT_THAT(client.out, Not(HasSubstr("<stream:stream")));
  }
}

TEST(InitiatingServer, ACertificateThatDnsContradicts) {
  FakeServers policy({kCapulet});
  for (const Errc code : {Errc::kForbidden, Errc::kTls}) {
    InitiatingServer machine(policy, to_montague());
    machine.on_tls(true);
    const auto actions = machine.on_certificate(kMontague, fail(code, "why"));
    ASSERT_FALSE(actions.empty());
    const auto* failed = std::get_if<Failed>(actions.data());
    EXPECT_EQ(failed != nullptr, code == Errc::kForbidden);
    if (failed) {
      EXPECT_EQ(failed->error.code, Errc::kTls);
    }
  }
}

// ---- getting in

TEST(InitiatingServer, AServerOf1999) {
  FakeServers policy({kCapulet});
  policy.trusted.tls_required = false;
  Started started(policy);
  started.client.feed(answer("id='D60000229F'"));
  EXPECT_TRUE(started.client.is_ready);
  const std::string key = dialback_key(policy.secret, {kCapulet, kMontague}, "D60000229F");
  EXPECT_EQ(started.client.take(),
            "<db:result from='capulet.example' to='montague.example'>" + key + "</db:result>");
  started.client.feed("<db:result from='montague.example' to='capulet.example' type='valid'/>");
  EXPECT_THAT(started.client.news, ElementsAre("opened capulet.example montague.example dialback"));
}

TEST(InitiatingServer, ExternalThatIsRefused) {
  FakeServers policy({kCapulet});
  Opened inside(policy, kOfferExternal);
  EXPECT_THAT(inside.client.take(), HasSubstr("<auth "));
  inside.client.feed(
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/>"
      "</failure>");
  EXPECT_THAT(inside.client.machine.external_error(), HasSubstr("not-authorized"));
  EXPECT_THAT(inside.client.take(), StartsWith("<db:result "));

  // Where there is no dialback, that was all.
  InitiatingEnd other(policy, to_montague());
  other.certified = {kMontague};
  other.begin_tls();
  other.feed(
      "<stream:stream xmlns='jabber:server' from='montague.example' id='1' version='1.0' "
      "xmlns:stream='http://etherx.jabber.org/streams'>" +
      kOfferExternal);
  other.take();
  other.feed("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>");
  ASSERT_TRUE(other.failed);
  EXPECT_EQ(other.failed->error.code, Errc::kNotAuthorized);
}

TEST(InitiatingServer, AStreamWithoutIdHasNoDialback) {
  FakeServers policy({kCapulet});
  InitiatingEnd client(policy, to_montague());
  client.begin_tls();
  client.feed(answer("from='montague.example' version='1.0'") + kOfferDialback);
  ASSERT_TRUE(client.failed);
  EXPECT_THAT(client.out, HasSubstr("<bad-format"));
}

TEST(InitiatingServer, AsksForNoTargetWhereErrorsAreNotKnown) {
  FakeServers policy({kCapulet});
  Opened inside(policy,
                "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
                "</stream:features>");
  inside.client.take();
  inside.client.perform(inside.client.machine.open_pair({kCapulet, "chat.montague.example"}));
  EXPECT_THAT(inside.client.news,
              ElementsAre("refused capulet.example chat.montague.example feature-not-implemented"));
  EXPECT_EQ(inside.client.out, "");
  // XEP-0220 §2.7.1: a sender may be added anyway.
  inside.client.perform(inside.client.machine.open_pair({"rooms.capulet.example", kMontague}));
  EXPECT_THAT(inside.client.out, StartsWith("<db:result from='rooms.capulet.example'"));
}

// XEP-0220 §4.1.
TEST(InitiatingServer, AnswersThatNobodyAskedForAreIgnored) {
  FakeServers policy({kCapulet, "rooms.capulet.example"});
  Opened inside(policy, kOfferDialback);
  for (const char* sent :
       {"<db:result from='montague.example' to='rooms.capulet.example' type='valid'/>",
        "<db:result from='evil.example' to='capulet.example' type='valid'/>",
        "<db:result from='capulet.example' to='montague.example' type='valid'/>",
        "<db:verify from='montague.example' to='capulet.example' id='1' type='valid'/>"}) {
    inside.client.feed(sent);
  }
  EXPECT_THAT(inside.client.news, IsEmpty());
  EXPECT_FALSE(inside.client.machine.may_send("rooms.capulet.example", kMontague));
  EXPECT_FALSE(inside.client.machine.may_send(kCapulet, kMontague));
  EXPECT_FALSE(inside.client.ended);
}

TEST(InitiatingServer, AnotherIdIsAnotherQuestion) {
  FakeServers policy({kCapulet});
  InitiatingServerOptions options = to_montague();
  options.verify_only = true;
  Opened inside(policy, kOfferDialback, std::move(options));
  inside.client.perform(inside.client.machine.verify({{kMontague, kCapulet}, "7", "k"}));
  EXPECT_EQ(inside.client.take(),
            "<db:verify from='capulet.example' to='montague.example' id='7'>k</db:verify>");
  inside.client.feed(
      "<db:verify from='montague.example' to='capulet.example' id='8' type='valid'/>");
  EXPECT_THAT(inside.client.news, IsEmpty());
  inside.client.feed(
      "<db:verify from='montague.example' to='capulet.example' id='7' type='valid'/>");
  EXPECT_THAT(inside.client.news, ElementsAre("key montague.example capulet.example 7 valid"));
}

// ---- while it stands

TEST(InitiatingServer, APairThatThePeerWantsOnAStreamOfOurs) {
  FakeServers policy({kCapulet});
  Opened inside(policy, kOfferDialback);
  inside.client.take();
  inside.client.feed("<db:result from='montague.example' to='capulet.example'>k</db:result>");
  EXPECT_THAT(inside.client.take(), HasSubstr("<not-allowed"));
  // A question for a key of ours is answered wherever it comes.
  const std::string key = dialback_key(policy.secret, {kCapulet, kMontague}, "9");
  inside.client.feed("<db:verify from='montague.example' to='capulet.example' id='9'>" + key +
                     "</db:verify>");
  EXPECT_THAT(inside.client.take(), HasSubstr("type='valid'"));
}

TEST(InitiatingServer, WhatComesOutOfTurn) {
  const std::pair<std::string, std::string> kCases[] = {
      {"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "unsupported-stanza-type"},
      {"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "unsupported-stanza-type"},
      {"<enabled xmlns='urn:xmpp:sm:3'/>", "unsupported-stanza-type"},
      {stanza("a@montague.example", "b@capulet.example", "1"), "not-authorized"},
      {"<db:result from='a@montague.example' to='capulet.example' type='valid'/>",
       "improper-addressing"},
      {"<db:result from='montague.example' to='capulet.example' type='?'/>", "bad-format"},
  };
  for (const auto& [sent, condition] : kCases) {
    FakeServers policy({kCapulet});
    Opened inside(policy, kOfferDialback);
    inside.client.take();
    inside.client.feed(sent);
    EXPECT_THAT(inside.client.out, HasSubstr("<" + condition)) << sent;
    EXPECT_TRUE(inside.client.ended);
    EXPECT_THAT(inside.client.news, Contains(HasSubstr("refused capulet.example"))) << sent;
  }
}

TEST(InitiatingServer, WhatWaitsIsAnsweredAtTheEnd) {
  const std::pair<std::string, const char*> kEnds[] = {
      {"</stream:stream>", "closed"},
      {"<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
       "</stream:error>",
       "policy-violation"},
      {"<!-- -->", "restricted-xml"},
  };
  for (const auto& [last, code] : kEnds) {
    FakeServers policy({kCapulet});
    Opened inside(policy, kOfferDialback);
    inside.client.perform(inside.client.machine.verify({{kMontague, kCapulet}, "7", "k"}));
    inside.client.feed(last);
    EXPECT_EQ(inside.client.news.at(0),
              "refused capulet.example montague.example " + std::string(code));
    EXPECT_THAT(inside.client.news.at(1), StartsWith("key montague.example capulet.example 7 "));
    EXPECT_TRUE(inside.client.failed);
    EXPECT_TRUE(inside.client.ended);
    EXPECT_THAT(inside.client.news, ::testing::SizeIs(2));
  }
}

TEST(InitiatingServer, ThePeerClosesAStreamThatHasDoneItsWork) {
  FakeServers policy({kCapulet});
  Opened inside(policy, kOfferDialback);
  inside.client.feed("<db:result from='montague.example' to='capulet.example' type='valid'/>");
  inside.client.take();
  inside.client.feed("</stream:stream>");
  EXPECT_EQ(inside.client.out, "</stream:stream>");
  EXPECT_TRUE(inside.client.ended);
  EXPECT_FALSE(inside.client.failed);
}

TEST(InitiatingServer, TimeIsUp) {
  FakeServers policy({kCapulet});
  Started started(policy);
  started.client.perform(started.client.machine.on_error(Error(Errc::kTimeout, "too slow")));
  EXPECT_EQ(started.client.out, "</stream:stream>");
  EXPECT_EQ(started.client.failed->error.code, Errc::kTimeout);
}

TEST(InitiatingServer, EndsOnlyOnce) {
  FakeServers policy({kCapulet});
  Opened inside(policy, kOfferDialback);
  inside.client.perform(inside.client.machine.close());
  EXPECT_FALSE(inside.client.failed) << "we wanted it";
  EXPECT_EQ(inside.client.news.size(), 1u);
  inside.client.take();
  inside.client.perform(inside.client.machine.end({StreamCondition::kReset, ""}));
  inside.client.perform(inside.client.machine.on_stream_end());
  inside.client.perform(inside.client.machine.on_error(Error(Errc::kXmlTooBig)));
  inside.client.perform(inside.client.machine.on_tls(true));
  inside.client.perform(inside.client.machine.on_certificate(kMontague, {}));
  EXPECT_EQ(inside.client.out, "");
  EXPECT_EQ(inside.client.machine.state(), InitiatingServer::State::kEnded);
}

}  // namespace
}  // namespace balcony::stream::testing
