// SASL2 at the receiving end (XEP-0388), with Bind 2 (XEP-0386), resumption (XEP-0198), tokens
// (XEP-0484) and upgrade tasks (XEP-0480) inside it.
#include "sasl/ht.h"
#include "stream/receiving_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kAgent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>";
constexpr std::string_view kBind = "<bind xmlns='urn:xmpp:bind:0'><tag>Awesome</tag></bind>";

std::string authenticate(std::string_view mechanism, std::string_view message,
                         std::string_view inside = {}) {
  return "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='" + std::string(mechanism) +
         "'><initial-response>" + base64_encode(message) + "</initial-response>" +
         std::string(inside) + "</authenticate>";
}

std::string plain_message(std::string_view user, std::string_view password) {
  return std::string(1, '\0').append(user).append(1, '\0').append(password);
}

std::string login(std::string_view inside = {}) {
  return authenticate("PLAIN", plain_message("juliet", sasl::testing::kPassword), inside);
}

std::string with_token(std::string_view inside, std::string_view mechanism = "HT-SHA-256-EXPR",
                       std::string_view token = sasl::testing::kToken,
                       std::string_view user = "juliet") {
  const auto name = sasl::ht_name(mechanism).value();
  const std::string binding =
      name.binding == sasl::HtName::Binding::kExporter ? sasl::testing::exporter().data : "";
  std::string message(user);
  message.append(1, '\0').append(sasl::ht_initiator_proof(name.hash, token, binding));
  return authenticate(mechanism, message, inside);
}

std::string fast(std::string_view attributes = {}) {
  return std::string(kAgent) + "<fast xmlns='urn:xmpp:fast:0' " + std::string(attributes) + "/>";
}

std::string failure2(std::string_view condition) {
  return "<failure xmlns='urn:xmpp:sasl:2'><" + std::string(condition) +
         " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>";
}

struct Server : ServerInsideTls {
  explicit Server(const FakePolicy& policy) : ServerInsideTls(policy) { offer = take(); }
  std::string say(std::string_view text) {
    feed(text);
    return take();
  }
  std::string offer;
};

TEST(ReceivingSasl2, IsOfferedAfterTlsOnly) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  ServerEnd clear(policy, {.tls_required = false});
  clear.feed(kClientOpen);
  EXPECT_THAT(clear.take(), Not(HasSubstr("urn:xmpp:sasl:2")));
  clear.feed(login());
  EXPECT_EQ(clear.take(), failure2("encryption-required"));

  Server server(policy);
  EXPECT_THAT(server.offer, HasSubstr("<authentication xmlns='urn:xmpp:sasl:2'>"
                                      "<mechanism>SCRAM-SHA-512-PLUS</mechanism>"));
  EXPECT_THAT(server.offer,
              HasSubstr("<inline><sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline>"
                        "<feature var='urn:xmpp:carbons:2'/></inline></bind>"
                        "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism>"));
  EXPECT_THAT(server.offer, HasSubstr("<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>"
                                      "UPGR-SCRAM-SHA-512</upgrade></authentication>"));
  EXPECT_THAT(server.offer, HasSubstr("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"));
}

TEST(ReceivingSasl2, WhatIsNotOfferedDoesNotWork) {
  FakePolicy policy;
  Server nothing(policy);
  EXPECT_THAT(nothing.offer, Not(HasSubstr("urn:xmpp:sasl:2")));
  EXPECT_EQ(nothing.say(login()), failure2("invalid-mechanism"));

  policy.offer.offered = true;
  Server server(policy);
  EXPECT_THAT(server.offer, Not(HasSubstr("fast")));
  EXPECT_THAT(server.offer, Not(HasSubstr("urn:xmpp:sm:3")));
  EXPECT_EQ(server.say(with_token(fast())), failure2("invalid-mechanism"));
  const std::string said =
      server.say(login(std::string(kAgent) +
                       "<resume xmlns='urn:xmpp:sm:3' previd='lost' h='3'/>"
                       "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
                       "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade>"));
  EXPECT_THAT(said, HasSubstr("<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>"
                              "juliet@capulet.example</authorization-identifier></success>"));
  EXPECT_EQ(server.issued_for, "");
  EXPECT_FALSE(server.resumed_h);
}

TEST(ReceivingSasl2, SuccessIsFollowedByFeaturesInTheSameStream) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server server(policy);
  EXPECT_EQ(server.say(login()),
            "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@capulet.example"
            "</authorization-identifier></success><stream:features>"
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
  EXPECT_TRUE(server.machine.authenticated());
  EXPECT_THAT(server.say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                         "<resource>r</resource></bind></iq>"),
              HasSubstr("juliet@capulet.example/r"));
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kBound);
}

TEST(ReceivingSasl2, FailuresLeaveEverythingAsItWas) {
  struct Case {
    std::string sent;
    const char* condition;
  };
  const Case kCases[] = {
      {authenticate("PLAIN", plain_message("juliet", "wrong")), "not-authorized"},
      {authenticate("PLAIN", plain_message("nobody", "wrong")), "not-authorized"},
      {authenticate("PLAIN",
                    "romeo@capulet.example" + plain_message("juliet", sasl::testing::kPassword)),
       "invalid-authzid"},
      {authenticate("DIGEST-MD5", ""), "invalid-mechanism"},
      {authenticate("ANONYMOUS", ""), "invalid-mechanism"},
      {authenticate("PLAIN", "juliet"), "malformed-request"},
      {authenticate("PLAIN", ""), "malformed-request"},
      {login("<user-agent id='x'/>"), "malformed-request"},
      {with_token(fast(), "HT-SHA-256-EXPR", "forged"), "not-authorized"},
      {with_token(fast(), "HT-SHA-256-EXPR", sasl::testing::kToken, "romeo"), "not-authorized"},
      {with_token(fast(), "HT-SHA-256-NONE", "forged"), "not-authorized"},
      {with_token(kAgent), "malformed-request"},                             // no <fast/>
      {with_token("<fast xmlns='urn:xmpp:fast:0'/>"), "malformed-request"},  // no client
      {with_token("<user-agent id='00000000-0000-4000-8000-000000000000'/>"
                  "<fast xmlns='urn:xmpp:fast:0'/>"),
       "not-authorized"},  // somebody else's
  };
  for (const Case& c : kCases) {
    const FakePolicy policy = offering({sasl::ScramHash::kSha512});
    Server server(policy);
    EXPECT_EQ(server.say(c.sent), failure2(c.condition)) << c.sent;
    EXPECT_EQ(server.failures.size(), 1u) << c.sent;
    EXPECT_FALSE(server.machine.authenticated()) << c.sent;
    // XEP-0388 §2.6: another attempt is possible, in either profile.
    EXPECT_THAT(server.say(login()), HasSubstr("<success xmlns='urn:xmpp:sasl:2'>")) << c.sent;
  }
}

TEST(ReceivingSasl2, AttemptsOfBothProfilesCount) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server server(policy);
  for (int i = 0; i < 2; ++i) {
    server.say(plain("juliet", "wrong"));
    server.say(authenticate("PLAIN", plain_message("juliet", "wrong")));
  }
  EXPECT_FALSE(server.ended);
  EXPECT_THAT(server.say(authenticate("PLAIN", plain_message("juliet", "wrong"))),
              HasSubstr(stream_error_of("policy-violation")));
  EXPECT_TRUE(server.ended);
}

TEST(ReceivingSasl2, OtherTrafficEndsTheStream) {
  // XEP-0388 §2.4, §5.8.
  const std::string first = authenticate("SCRAM-SHA-256", "n,,n=juliet,r=abc");
  for (const std::string& sent :
       {login(), plain("juliet", sasl::testing::kPassword), std::string("<message/>"),
        std::string("<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>")}) {
    const FakePolicy policy = offering({sasl::ScramHash::kSha512});
    Server server(policy);
    EXPECT_THAT(server.say(first), HasSubstr("<challenge xmlns='urn:xmpp:sasl:2'>"));
    EXPECT_THAT(server.say(sent), HasSubstr("<stream:error>")) << sent;
  }
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server done(policy);
  done.say(login());
  EXPECT_THAT(done.say(login()), HasSubstr("<stream:error>"));
  Server none(policy);
  EXPECT_THAT(none.say("<response xmlns='urn:xmpp:sasl:2'/>"), HasSubstr("<stream:error>"));
  Server aborted(policy);
  aborted.say(first);
  EXPECT_EQ(aborted.say("<abort xmlns='urn:xmpp:sasl:2'><text>No.</text></abort>"),
            failure2("aborted"));
}

TEST(ReceivingSasl2, WhoTheHeaderNamesIsWhoLogsIn) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  const std::string open =
      "<stream:stream xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
      "to='capulet.example' from='";
  ServerEnd server(policy);
  server.begin_tls({sasl::testing::exporter()});
  server.feed(open + "nurse@capulet.example'>");
  server.take();
  server.feed(authenticate(
      "PLAIN", "juliet@capulet.example" + plain_message("juliet", sasl::testing::kPassword)));
  EXPECT_EQ(server.take(), failure2("invalid-authzid"));
  // XEP-0388 §2.1.
  ServerEnd stranger(policy);
  stranger.feed(open + "romeo@montague.example'>");
  EXPECT_THAT(stranger.take(), HasSubstr(stream_error_of("invalid-from")));
}

TEST(ReceivingSasl2, BindsInTheSameStep) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server server(policy);
  const std::string bind =
      "<bind xmlns='urn:xmpp:bind:0'><tag>Awesome</tag>"
      "<enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>";
  const std::string said = server.say(login(std::string(kAgent) + bind));
  EXPECT_THAT(said, HasSubstr("<authorization-identifier>juliet@capulet.example/Awesome/"));
  EXPECT_THAT(said, HasSubstr("<bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' "
                              "id='sm-1' resume='true' max='600'/></bound></success>"
                              "<stream:features/>"));
  EXPECT_EQ(server.machine.state(), ReceivingStream::State::kBound);
  Server again(policy);
  const auto jid = [](std::string_view text) {
    const auto from = text.find("<authorization-identifier>");
    return text.substr(from, text.find("</auth") - from);
  };
  EXPECT_EQ(jid(again.say(login(std::string(kAgent) + std::string(kBind)))), jid(said));
}

TEST(ReceivingSasl2, ResumesInTheSameStep) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server server(policy);
  const std::string said =
      server.say(login("<resume xmlns='urn:xmpp:sm:3' previd='lost' h='3'/>" + std::string(kBind)));
  EXPECT_THAT(said, HasSubstr("<authorization-identifier>juliet@capulet.example/lost-one"));
  EXPECT_THAT(said, HasSubstr("<resumed xmlns='urn:xmpp:sm:3' previd='lost' h='5'/></success>"));
  EXPECT_THAT(said, Not(HasSubstr("bound")));
  EXPECT_EQ(server.resumed_h, 3u);

  // XEP-0386 §3.2: what cannot be resumed is replaced.
  Server gone(policy);
  const std::string bound =
      gone.say(login("<resume xmlns='urn:xmpp:sm:3' previd='other' h='3'/>" + std::string(kBind)));
  EXPECT_THAT(bound, HasSubstr("juliet@capulet.example/Awesome/"));
  EXPECT_THAT(bound, HasSubstr("<failed xmlns='urn:xmpp:sm:3'><item-not-found "
                               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
                               "<bound xmlns='urn:xmpp:bind:0'/></success>"));
  Server unbound(policy);
  EXPECT_THAT(unbound.say(login("<resume xmlns='urn:xmpp:sm:3' previd='other' h='3'/>")),
              HasSubstr("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"));
}

TEST(ReceivingSasl2, GivesATokenToWhoAsks) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  const std::string ask = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-ENDP'/>";
  Server server(policy);
  // This connection has no such binding: it was not offered.
  EXPECT_THAT(server.say(login(std::string(kAgent) + ask)), Not(HasSubstr("<token")));
  const std::string bound = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>";
  Server nobody(policy);
  EXPECT_THAT(nobody.say(login(bound)), Not(HasSubstr("<token")));  // which client?
  Server given(policy);
  EXPECT_THAT(given.say(login(std::string(kAgent) + bound)),
              HasSubstr("<token xmlns='urn:xmpp:fast:0' expiry='2020-03-11T14:36:15Z' "
                        "token='a-new-token'/></success>"));
  EXPECT_EQ(given.issued_for, "HT-SHA-256-EXPR");
}

TEST(ReceivingSasl2, LogsInByToken) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  Server server(policy);
  const std::string said = server.say(with_token(fast("count='7'") + std::string(kBind)));
  EXPECT_THAT(said, HasSubstr("<additional-data>"));  // the responder's proof
  EXPECT_THAT(said, HasSubstr("juliet@capulet.example/Awesome/"));
  EXPECT_THAT(said, Not(HasSubstr("<token")));
  ASSERT_EQ(server.token_uses.size(), 1u);
  EXPECT_EQ(server.token_uses[0].count, 7u);
  EXPECT_FALSE(server.token_uses[0].invalidate);

  Server old(policy);
  old.token_is_old = true;
  EXPECT_THAT(old.say(with_token(fast())), HasSubstr("token='a-new-token'"));
  EXPECT_EQ(old.issued_for, "HT-SHA-256-EXPR");

  Server leaving(policy);
  leaving.token_is_old = true;
  EXPECT_THAT(leaving.say(with_token(fast("invalidate='true'"))), Not(HasSubstr("<token")));
  EXPECT_TRUE(leaving.token_uses.at(0).invalidate);

  Server expired(policy);
  expired.token_expired = true;
  EXPECT_EQ(expired.say(with_token(fast())), failure2("credentials-expired"));
}

TEST(ReceivingSasl2, UpgradesAnAccountWhoseKeysHaveTooFewIterations) {
  const std::string ask = "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>";
  FakePolicy policy = offering({sasl::ScramHash::kSha512});
  policy.rounds = 4'096;
  Server enough(policy);
  EXPECT_THAT(enough.say(login(ask)), HasSubstr("<success"));
  policy.rounds = 10'000;
  Server weak(policy);
  EXPECT_THAT(weak.say(login(ask)), HasSubstr("<task>UPGR-SCRAM-SHA-512</task>"));
  EXPECT_THAT(weak.say("<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>"),
              HasSubstr("iterations='10000'"));
}

TEST(ReceivingSasl2, UpgradesAnAccountThatLacksKeys) {
  const FakePolicy policy = offering({sasl::ScramHash::kSha512});
  constexpr std::string_view kAsk =
      "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>";
  Server server(policy);
  server.lacks = sasl::ScramHash::kSha512;
  EXPECT_EQ(server.say(login(std::string(kAsk) + std::string(kBind))),
            "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-512</task></tasks>"
            "</continue>");
  EXPECT_FALSE(server.machine.authenticated());
  const std::string task = server.say("<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>");
  const auto salt = read_upgrade_salt(xml::parse(task, {}, {}).value());
  ASSERT_TRUE(salt) << task;
  EXPECT_EQ(salt->iterations, 4096U);
  const std::string salted = sasl::pbkdf2(sasl::ScramHash::kSha512, sasl::testing::kPassword,
                                          salt->salt, salt->iterations);
  const std::string said = server.say(written(write_upgrade_hash(salted)));
  EXPECT_THAT(said, HasSubstr("juliet@capulet.example/Awesome/"));
  ASSERT_TRUE(server.added);
  EXPECT_TRUE(sasl::verify_password(sasl::testing::kPassword, *server.added));

  // Who has the keys is not asked.
  Server complete(policy);
  EXPECT_THAT(complete.say(login(kAsk)), HasSubstr("<success"));
  // Who has only a token cannot choose a password.
  Server by_token(policy);
  by_token.lacks = sasl::ScramHash::kSha512;
  EXPECT_THAT(by_token.say(with_token(fast() + std::string(kAsk))), HasSubstr("<success"));
}

TEST(ReceivingSasl2, TasksThatGoWrong) {
  const std::string ask = "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>";
  const std::string next = "<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>";
  const struct {
    std::string first, second, expected;
  } kTable[] = {
      {"<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-1'/>", "",
       failure2("malformed-request")},
      {next, written(write_upgrade_hash("short")), failure2("malformed-request")},
      {next, "<task-data xmlns='urn:xmpp:sasl:2'/>", failure2("malformed-request")},
      {"<abort xmlns='urn:xmpp:sasl:2'/>", "", failure2("aborted")},
      {next, next, "<stream:error>"},
      {written(write_upgrade_hash("x")), "", "<stream:error>"},
      {"<response xmlns='urn:xmpp:sasl:2'/>", "", "<stream:error>"},
      {login(), "", "<stream:error>"},
  };
  for (const auto& row : kTable) {
    const FakePolicy policy = offering({sasl::ScramHash::kSha512});
    Server server(policy);
    server.lacks = sasl::ScramHash::kSha512;
    server.say(login(ask));
    std::string said = server.say(row.first);
    if (!row.second.empty()) said = server.say(row.second);
    EXPECT_THAT(said, HasSubstr(row.expected)) << row.first << row.second;
    EXPECT_FALSE(server.added);
    EXPECT_FALSE(server.machine.authenticated());
  }
}

}  // namespace
}  // namespace balcony::stream::testing
