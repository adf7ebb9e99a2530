// SASL2 (XEP-0388) and what goes with it from the client's side: against the receiving machine, and
// against servers of a few lines.
#include "stream/test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = ManagementOutcome::Kind;

InitiatingOptions modern(std::string_view resource = {}) {
  InitiatingOptions options = juliet(resource);
  options.sasl2.user_agent = {std::string(kUserAgent), "Balcony", "a test"};
  options.sasl2.tag = "Test";
  return options;
}

LoginToken token(std::string mechanism = "HT-SHA-256-EXPR",
                 std::string_view text = sasl::testing::kToken) {
  return {std::move(mechanism), std::string(text), kExpiry};
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// Both ends; direct TLS, so that what is counted begins after it.
struct Login : Pair {
  Login(const FakePolicy& policy, InitiatingOptions options) : Pair(policy, std::move(options)) {
    server_direct_tls = true;
  }
  const Bound& bound() {
    run();
    EXPECT_TRUE(client.bound) << transcript;
    return *client.bound;
  }
};

TEST(InitiatingSasl2, LogsInAndBindsInOneStep) {
  const FakePolicy policy = offering();
  Login login(policy, modern());
  const Bound& bound = login.bound();
  EXPECT_EQ(bound.mechanism, "SCRAM-SHA-512-PLUS");
  EXPECT_TRUE(bound.jid.resource().starts_with("Test/")) << bound.jid.str();
  EXPECT_TRUE(bound.keys);
  EXPECT_TRUE(bound.bound);
  EXPECT_FALSE(bound.token);
  EXPECT_EQ(count(login.transcript, "<stream:stream"), 2u);  // no restart
  EXPECT_EQ(count(login.transcript, "<iq"), 0u);
  EXPECT_EQ(login.server.machine.state(), ReceivingStream::State::kBound);
}

TEST(InitiatingSasl2, AResourceOfOnesOwnIsBoundAsBefore) {
  const FakePolicy policy = offering();
  Login login(policy, modern("chamber"));
  EXPECT_EQ(login.bound().jid.str(), "juliet@capulet.example/chamber");
  EXPECT_THAT(login.transcript, HasSubstr("<authenticate"));
  EXPECT_THAT(login.transcript, Not(HasSubstr("urn:xmpp:bind:0'><tag")));
}

TEST(InitiatingSasl2, IsNotUsedWhereItIsNotWantedOrOffered) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.sasl2.use = false;
  Login unwanted(policy, std::move(options));
  EXPECT_EQ(unwanted.bound().jid.resource(), "made-here");
  EXPECT_THAT(unwanted.transcript, Not(HasSubstr("<authenticate")));
  const FakePolicy old;
  Login unoffered(old, modern());
  EXPECT_EQ(unoffered.bound().jid.resource(), "made-here");
}

TEST(InitiatingSasl2, EnablesStreamManagementAndFeaturesInline) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.management.enable = true;
  options.management.resumable = true;
  options.sasl2.features = {{std::string(ns::kCarbons), "enable"}};
  Login login(policy, std::move(options));
  const Bound& bound = login.bound();
  EXPECT_EQ(bound.management.kind, Kind::kEnabled);
  EXPECT_EQ(bound.management.enabled.id, "sm-1");
  EXPECT_THAT(login.transcript, HasSubstr("<enable xmlns='urn:xmpp:carbons:2'/></bind>"));
}

TEST(InitiatingSasl2, ResumesInline) {
  const FakePolicy policy = offering();
  for (const std::string id : {"lost", "forgotten"}) {
    auto options = modern();
    options.management.enable = true;
    options.management.lost.emplace(*Jid::parse("juliet@capulet.example/lost-one"), id, 3);
    Login login(policy, std::move(options));
    const Bound& bound = login.bound();
    EXPECT_EQ(bound.management.kind, id == "lost" ? Kind::kResumed : Kind::kEnabled);
    EXPECT_EQ(bound.jid.resource() == "lost-one", id == "lost");
    EXPECT_EQ(bound.management.peer_h, id == "lost" ? 5u : 0u);
    EXPECT_EQ(count(login.transcript, "<resume "), 1u);
  }
}

TEST(InitiatingSasl2, GetsATokenAndComesBackInOneRoundTrip) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.sasl2.want_token = true;
  Login first(policy, std::move(options));
  const auto given = first.bound().token;
  ASSERT_TRUE(given);
  EXPECT_EQ(given->mechanism, "HT-SHA-256-EXPR");
  EXPECT_EQ(given->token, "a-new-token");
  EXPECT_EQ(given->expiry, kExpiry);

  auto again = modern();
  again.password.clear();
  again.sasl2.token = token();
  Login second(policy, std::move(again));
  second.server.begin_tls(second.bindings);
  second.client.begin_tls(second.bindings, true);
  second.server.feed(second.client.take());  // one way
  second.client.feed(second.server.take());  // and back
  ASSERT_TRUE(second.client.bound);
  EXPECT_EQ(second.client.bound->mechanism, "HT-SHA-256-EXPR");
  EXPECT_TRUE(second.client.bound->jid.resource().starts_with("Test/"));
  EXPECT_FALSE(second.client.machine.token_refused());
}

TEST(InitiatingSasl2, AnOldTokenIsReplaced) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.sasl2.token = token();
  Login login(policy, std::move(options));
  login.server.token_is_old = true;
  const auto given = login.bound().token;
  ASSERT_TRUE(given);
  EXPECT_EQ(given->mechanism, "HT-SHA-256-EXPR");
  EXPECT_EQ(given->token, "a-new-token");
}

TEST(InitiatingSasl2, ARefusedTokenIsFollowedByThePassword) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.sasl2.token = token("HT-SHA-256-EXPR", "forged");
  options.sasl2.want_token = true;
  Login login(policy, std::move(options));
  const Bound& bound = login.bound();
  EXPECT_EQ(bound.mechanism, "SCRAM-SHA-512-PLUS");
  EXPECT_TRUE(login.client.machine.token_refused());
  EXPECT_TRUE(bound.token);
  EXPECT_EQ(login.server.failures, std::vector{Errc::kSaslNotAuthorized});

  auto nothing_else = modern();
  nothing_else.password.clear();
  nothing_else.sasl2.token = token("HT-SHA-256-EXPR", "forged");
  Login lost(policy, std::move(nothing_else));
  lost.run();
  ASSERT_TRUE(lost.client.failed);
  EXPECT_EQ(lost.client.failed->error.code, Errc::kSaslNotAuthorized);
  EXPECT_TRUE(lost.client.machine.token_refused());
}

TEST(InitiatingSasl2, ATokenIsShownToNobodyWhoMayBeInBetween) {
  const FakePolicy policy = offering();
  auto options = modern();
  options.sasl2.token = token("HT-SHA-256-NONE");
  Login login(policy, std::move(options));
  login.verified = false;
  login.run();
  EXPECT_THAT(login.transcript, Not(HasSubstr("HT-SHA-256-NONE'")));
  // Nor is one that is bound to what this connection has not.
  auto bound = modern();
  bound.sasl2.token = token("HT-SHA-256-ENDP");
  Login other(policy, std::move(bound));
  EXPECT_EQ(other.bound().mechanism, "SCRAM-SHA-512-PLUS");
}

TEST(InitiatingSasl2, AServerThatKnowsNoTokensAnyMore) {
  const FakePolicy policy;  // no SASL2 at all
  auto options = modern();
  options.sasl2.token = token();
  Login login(policy, std::move(options));
  login.run();
  // It may answer with a failure or end the stream: the token is used no more.
  EXPECT_TRUE(login.client.machine.token_refused());
  EXPECT_TRUE(login.client.bound);
}

TEST(InitiatingSasl2, UpgradesTheAccount) {
  FakePolicy policy = offering();
  policy.names = {"SCRAM-SHA-1"};
  policy.offer.upgrades = {sasl::ScramHash::kSha256};
  Login login(policy, modern());
  login.server.lacks = sasl::ScramHash::kSha256;
  EXPECT_EQ(login.bound().mechanism, "SCRAM-SHA-1-PLUS");
  ASSERT_TRUE(login.server.added);
  EXPECT_TRUE(sasl::verify_password(sasl::testing::kPassword, *login.server.added));

  // Unbound, somebody in between would see the hash (XEP-0480 §5).
  Login unbound(policy, modern());
  unbound.bindings.clear();
  unbound.server.lacks = sasl::ScramHash::kSha256;
  EXPECT_EQ(unbound.bound().mechanism, "SCRAM-SHA-1");
  EXPECT_FALSE(unbound.server.added);
}

// ---- servers of a few lines

struct Facing : ClientEnd {
  Facing(std::string_view offer, InitiatingOptions options) : ClientEnd(std::move(options)) {
    begin_tls({}, true);
    feed(kHeader);
    feed("<stream:features>" + std::string(offer) + "</stream:features>");
    take_header();
  }
  void take_header() { out.erase(0, out.find("<authenticate")); }
};

constexpr std::string_view kPlainOffer =
    "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline>"
    "<bind xmlns='urn:xmpp:bind:0'/></inline></authentication>";

TEST(InitiatingSasl2, AnswersThatAreNone) {
  const std::string_view kAnswers[] = {
      "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",  // of the other profile
      "<message/>",
      "<task-data xmlns='urn:xmpp:sasl:2'/>",
      "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@capulet.example"
      "</authorization-identifier><bound xmlns='urn:xmpp:bind:0'/></success>",
      "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@capulet.example/x"
      "</authorization-identifier><resumed xmlns='urn:xmpp:sm:3' previd='a' h='1'/></success>",
      "<success xmlns='urn:xmpp:sasl:2'><additional-data>dj0=</additional-data></success>",
      "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>TOTP-EXAMPLE</task></tasks></continue>",
      "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-256</task></tasks>"
      "</continue>",
      "<failure xmlns='urn:xmpp:sasl:2'><not-authorized "
      "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>",
  };
  for (const std::string_view answer : kAnswers) {
    Facing client(kPlainOffer, modern());
    EXPECT_THAT(client.take(), HasSubstr("mechanism='PLAIN'"));
    client.feed(answer);
    EXPECT_TRUE(client.failed) << answer;
    EXPECT_FALSE(client.bound) << answer;
  }
}

TEST(InitiatingSasl2, WhatDoesNotBindIsAskedToBindAsBefore) {
  Facing client(kPlainOffer, modern());
  client.take();
  client.feed(
      "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@capulet.example"
      "</authorization-identifier></success><stream:features>"
      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
  EXPECT_THAT(client.take(), HasSubstr("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"));
}

TEST(InitiatingSasl2, AChangedOfferIsNoticed) {
  // XEP-0474: what the server offered in SASL2 counts, not what it offered beside it.
  const FakePolicy policy = offering();
  Login login(policy, modern());
  login.server.begin_tls(login.bindings);
  login.client.begin_tls(login.bindings, true);
  login.server.feed(login.client.take());
  std::string offer = login.server.take();
  const std::string best = "<mechanism>SCRAM-SHA-512-PLUS</mechanism>";
  const auto at = offer.find(best, offer.find("urn:xmpp:sasl:2"));
  ASSERT_NE(at, std::string::npos);
  offer.erase(at, best.size());
  login.client.feed(offer);
  login.server.feed(login.client.take());
  login.client.feed(login.server.take());
  ASSERT_TRUE(login.client.failed);
  EXPECT_EQ(login.client.failed->error.code, Errc::kSaslMechanismTooWeak);
}

}  // namespace
}  // namespace balcony::stream::testing
