// Both ends of a stream between servers, joined in memory: what whole negotiations come to.
#include "stream/server_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kOpened = "opened capulet.example montague.example ";
constexpr const char* kAccepted = "accepted capulet.example montague.example ";

// XEP-0178 §3.
TEST(ServerPair, External) {
  ServerPair pair(to_montague());
  pair.server.certified = {kCapulet};
  pair.run();
  EXPECT_THAT(pair.client.news, ElementsAre(kOpened + std::string("external"),
                                            "accepted montague.example capulet.example external"));
  EXPECT_THAT(pair.server.news, ElementsAre(kAccepted + std::string("external"),
                                            "opened montague.example capulet.example external"));
  EXPECT_TRUE(pair.client.is_ready);
  EXPECT_TRUE(pair.client.machine.is_tls());
  EXPECT_TRUE(pair.client.machine.is_certified());
  EXPECT_THAT(pair.transcript, HasSubstr("mechanism='EXTERNAL'>Y2FwdWxldC5leGFtcGxl</auth>"));
  EXPECT_THAT(pair.transcript, Not(HasSubstr("db:result")));
  pair.server.feed(stanza("romeo@capulet.example", "juliet@montague.example", "m1"));
  EXPECT_THAT(pair.server.stanzas, ElementsAre("m1"));
}

// XEP-0368: without STARTTLS.
TEST(ServerPair, DirectTls) {
  InitiatingServerOptions options = to_montague();
  options.tls = ServerTls::kDirect;
  ReceivingServerOptions receiving;
  receiving.direct_tls = true;
  ServerPair pair(std::move(options), receiving);
  pair.server.certified = {kCapulet};
  pair.is_direct = true;
  pair.run();
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("external"));
  EXPECT_THAT(pair.transcript, Not(HasSubstr("starttls")));
}

// XEP-0220 over TLS, where certificates do not suffice.
TEST(ServerPair, Dialback) {
  ServerPair pair(to_montague());
  pair.run();
  EXPECT_THAT(pair.client.news, ElementsAre(kOpened + std::string("dialback"),
                                            "accepted montague.example capulet.example dialback"));
  EXPECT_THAT(pair.server.news, ElementsAre(kAccepted + std::string("dialback"),
                                            "opened montague.example capulet.example dialback"));
  EXPECT_THAT(pair.transcript, HasSubstr("<db:result from='montague.example' "
                                         "to='capulet.example' type='valid'/>"));
}

TEST(ServerPair, DialbackWithoutACertificate) {
  ServerPair pair(to_montague());
  pair.server.shows_certificate = pair.client.shows_certificate = false;
  pair.run();
  EXPECT_THAT(pair.client.news, ::testing::Contains(kOpened + std::string("dialback")));
  EXPECT_FALSE(pair.client.machine.is_certified());
}

// XEP-0344 §2.4: our certificate is good, but the peer has no use for EXTERNAL.
TEST(ServerPair, DialbackWithACertificateAsksNobody) {
  InitiatingServerOptions options = to_montague();
  options.external = false;
  ServerPair pair(std::move(options));
  pair.server.certified = {kCapulet};
  pair.server.authority = nullptr;
  pair.run();
  EXPECT_THAT(pair.client.news, ::testing::Contains(kOpened + std::string("dialback")));
  EXPECT_THAT(pair.server.news, ::testing::Contains(kAccepted + std::string("certificate")));
  EXPECT_THAT(pair.server.keys, IsEmpty());
}

TEST(ServerPair, AWrongKey) {
  ServerPair pair(to_montague());
  pair.capulet.secret = "s3cr3t";
  pair.server.authority = [](const VerifyKey&) -> Result<> { return fail(Errc::kForbidden); };
  pair.run();
  EXPECT_THAT(pair.client.news, ElementsAre("refused capulet.example montague.example forbidden"));
  EXPECT_THAT(pair.server.news, ElementsAre("rejected capulet.example montague.example forbidden"));
  // XEP-0220 §2.2.1: and the stream is closed.
  EXPECT_THAT(pair.transcript, HasSubstr("type='invalid'/></stream:stream>"));
  EXPECT_TRUE(pair.server.ended);
  EXPECT_TRUE(pair.client.ended);
}

TEST(ServerPair, AnAuthoritativeServerThatIsNotThere) {
  const std::pair<Errc, const char*> kCases[] = {
      {Errc::kNotFound, "remote-server-not-found"},
      {Errc::kConnect, "remote-server-timeout"},
      {Errc::kTimeout, "remote-server-timeout"},
  };
  for (const auto& [code, told] : kCases) {
    ServerPair pair(to_montague());
    pair.server.authority = [error = code](const VerifyKey&) -> Result<> { return fail(error); };
    pair.run();
    EXPECT_THAT(pair.client.news,
                ElementsAre("refused capulet.example montague.example " + std::string(told)));
    EXPECT_FALSE(pair.client.ended) << "such an error does not end the stream";
  }
}

// ---- several domains on one stream (XEP-0220 §2.7)

TEST(ServerPair, MoreDomainsOnOneStream) {
  ServerPair pair(to_montague());
  pair.run();
  pair.client.news.clear();
  const DomainPair rooms{"rooms.capulet.example", kMontague};
  const DomainPair chat{kCapulet, "chat.montague.example"};
  EXPECT_TRUE(pair.client.machine.can_open(rooms));
  EXPECT_TRUE(pair.client.machine.can_open(chat));
  pair.client.perform(pair.client.machine.open_pair(rooms));
  pair.client.perform(pair.client.machine.open_pair(chat));
  pair.go_on();
  EXPECT_THAT(pair.client.news,
              ::testing::IsSupersetOf({"opened rooms.capulet.example montague.example dialback",
                                       "opened capulet.example chat.montague.example dialback"}));
  // Pairs, not domains: this one was not asked for.
  pair.server.feed(stanza("a@rooms.capulet.example", "chat.montague.example", "m1"));
  EXPECT_TRUE(pair.server.ended);
  EXPECT_EQ(pair.server.error->condition, StreamCondition::kHostUnknown);
}

TEST(ServerPair, AWrongKeyCostsNotTheOthers) {
  ServerPair pair(to_montague());
  pair.run();
  pair.server.authority = [](const VerifyKey&) -> Result<> { return fail(Errc::kForbidden); };
  pair.client.news.clear();
  pair.client.perform(pair.client.machine.open_pair({"rooms.capulet.example", kMontague}));
  pair.go_on();
  EXPECT_THAT(pair.client.news,
              ElementsAre("refused rooms.capulet.example montague.example forbidden"));
  EXPECT_FALSE(pair.server.ended);
  pair.server.feed(stanza("romeo@capulet.example", "juliet@montague.example", "m1"));
  EXPECT_THAT(pair.server.stanzas, ElementsAre("m1"));
}

TEST(ServerPair, ADomainThatIsNotServedCostsNotTheOthers) {
  ServerPair pair(to_montague());
  pair.run();
  pair.client.news.clear();
  pair.client.perform(pair.client.machine.open_pair({kCapulet, "nobody.example"}));
  pair.go_on();
  EXPECT_THAT(pair.client.news,
              ElementsAre("refused capulet.example nobody.example item-not-found"));
  EXPECT_FALSE(pair.server.ended);
}

// ---- the authoritative server (XEP-0220 §2.2.2)

TEST(ServerPair, KeysAreVerified) {
  InitiatingServerOptions options = to_montague();
  options.verify_only = true;
  ServerPair pair(std::move(options));
  pair.server.certified = {kCapulet};
  pair.run();
  EXPECT_TRUE(pair.client.is_ready);
  EXPECT_THAT(pair.client.news, IsEmpty()) << "no pair was asked for";
  EXPECT_THAT(pair.transcript, Not(HasSubstr("<auth ")));
  // montague.example has sent this to capulet.example on a stream with the id 7.
  const DomainPair claimed{kMontague, kCapulet};
  const std::string key = dialback_key(pair.montague.secret, claimed, "7");
  pair.client.perform(pair.client.machine.verify({claimed, "7", key}));
  pair.client.perform(pair.client.machine.verify({claimed, "8", key}));
  EXPECT_FALSE(pair.client.machine.is_idle());
  pair.go_on();
  EXPECT_THAT(pair.client.news, ElementsAre("key montague.example capulet.example 7 valid",
                                            "key montague.example capulet.example 8 forbidden"));
  EXPECT_TRUE(pair.client.machine.is_idle());
  pair.client.news.clear();
  pair.client.perform(pair.client.machine.verify({{"nobody.example", kCapulet}, "7", key}));
  pair.go_on();
  EXPECT_THAT(pair.client.news, ElementsAre("key nobody.example capulet.example 7 item-not-found"));
  EXPECT_FALSE(pair.server.ended);
}

// ---- bidirectional streams (XEP-0288)

TEST(ServerPair, StanzasComeBackOnABidirectionalStream) {
  for (const bool external : {true, false}) {
    ServerPair pair(to_montague());
    if (external) pair.server.certified = {kCapulet};
    pair.run();
    EXPECT_TRUE(pair.server.machine.is_bidirectional());
    EXPECT_TRUE(pair.client.machine.is_bidirectional());
    EXPECT_TRUE(pair.server.machine.may_receive(kMontague, kCapulet));
    pair.client.feed(stanza("juliet@montague.example", "romeo@capulet.example", "m2"));
    EXPECT_THAT(pair.client.stanzas, ElementsAre("m2"));
    pair.client.feed(stanza("juliet@chat.montague.example", "romeo@capulet.example", "m3"));
    EXPECT_TRUE(pair.client.ended);
    EXPECT_EQ(pair.client.error->condition, StreamCondition::kInvalidFrom);
  }
}

TEST(ServerPair, TheOtherEndProvesMoreOfItsDomains) {
  ServerPair pair(to_montague());
  pair.run();
  pair.client.authority = [&pair](const VerifyKey& what) -> Result<> {
    const std::string key = dialback_key(pair.montague.secret, what.pair, what.id);
    if (key != what.key) return fail(Errc::kForbidden);
    return {};
  };
  pair.client.shows_certificate = false;
  pair.client.news.clear();
  pair.server.news.clear();
  pair.server.perform(pair.server.machine.open_pair({"chat.montague.example", kCapulet}));
  pair.server.perform(pair.server.machine.open_pair({"chat.montague.example", "other.example"}));
  pair.go_on();
  EXPECT_THAT(pair.client.news,
              ElementsAre("accepted chat.montague.example capulet.example dialback"));
  EXPECT_THAT(pair.server.news,
              ElementsAre("refused chat.montague.example other.example feature-not-implemented",
                          "opened chat.montague.example capulet.example dialback"));
  pair.client.feed(stanza("room@chat.montague.example", "romeo@capulet.example", "m1"));
  EXPECT_THAT(pair.client.stanzas, ElementsAre("m1"));
}

TEST(ServerPair, OneDirectionWithoutBidi) {
  InitiatingServerOptions options = to_montague();
  options.bidi = false;
  ServerPair pair(std::move(options));
  pair.run();
  EXPECT_FALSE(pair.server.machine.is_bidirectional());
  EXPECT_FALSE(pair.server.machine.may_receive(kMontague, kCapulet));
  pair.server.perform(pair.server.machine.open_pair({kMontague, kCapulet}));
  EXPECT_EQ(pair.server.news.back(),
            "refused montague.example capulet.example feature-not-implemented");
  pair.client.feed(stanza("juliet@montague.example", "romeo@capulet.example", "m2"));
  EXPECT_TRUE(pair.client.ended);
  EXPECT_EQ(pair.client.error->condition, StreamCondition::kNotAuthorized);
}

// ---- stream management (XEP-0198)

TEST(ServerPair, StreamManagementComesBeforeTheFirstStanza) {
  for (const bool external : {true, false}) {
    InitiatingServerOptions options = to_montague();
    options.management = options.resumable = true;
    ServerPair pair(std::move(options));
    if (external) pair.server.certified = {kCapulet};
    pair.run();
    EXPECT_EQ(pair.server.enable, true);
    EXPECT_THAT(pair.client.news, IsEmpty()) << "not before it is settled";
    pair.client.feed("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true'/>");
    ASSERT_TRUE(pair.client.management);
    EXPECT_EQ(pair.client.management->kind, ManagementOutcome::Kind::kEnabled);
    EXPECT_EQ(pair.client.management->enabled.id, "sm1");
    EXPECT_EQ(pair.client.news.at(0), kOpened + std::string(external ? "external" : "dialback"));
  }
}

// As Prosody 0.12 says it.
TEST(ServerPair, StreamManagementWithoutAnId) {
  InitiatingServerOptions options = to_montague();
  options.management = options.resumable = true;
  ServerPair pair(options);
  pair.run();
  pair.client.feed("<enabled xmlns='urn:xmpp:sm:3' resume='true'/>");
  EXPECT_EQ(pair.client.management->kind, ManagementOutcome::Kind::kEnabled);
  EXPECT_EQ(pair.client.management->enabled.id, "");
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("dialback"));
}

TEST(ServerPair, StreamManagementThatIsNone) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  ServerPair pair(options);
  pair.run();
  pair.client.feed("<maybe xmlns='urn:xmpp:sm:3'/>");
  EXPECT_TRUE(pair.client.failed);
}

TEST(ServerPair, StreamManagementIsRefused) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  ServerPair pair(options);
  pair.run();
  pair.client.feed("<failed xmlns='urn:xmpp:sm:3'/>");
  EXPECT_EQ(pair.client.management->kind, ManagementOutcome::Kind::kNone);
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("dialback"));
  // A second pair waits for nothing.
  pair.client.perform(pair.client.machine.open_pair({"rooms.capulet.example", kMontague}));
  pair.go_on();
  EXPECT_THAT(pair.client.news,
              ::testing::Contains("opened rooms.capulet.example montague.example dialback"));
}

TEST(ServerPair, ALostStreamIsResumed) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  options.lost = Resume{"sm1", 5};
  ServerPair pair(options);
  pair.server.certified = {kCapulet};
  pair.run();
  ASSERT_TRUE(pair.server.resume);
  EXPECT_EQ(pair.server.resume->previd, "sm1");
  EXPECT_EQ(pair.server.resume->h, 5u);
  pair.client.feed("<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='3'/>");
  EXPECT_EQ(pair.client.management->kind, ManagementOutcome::Kind::kResumed);
  EXPECT_EQ(pair.client.management->peer_h, 3u);
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("external"));
}

// XEP-0198 §5: with everything that it carried, and not before that is proved anew.
TEST(ServerPair, ALostStreamOfSeveralDomainsIsResumed) {
  for (const bool external : {true, false}) {
    InitiatingServerOptions options = to_montague();
    options.management = true;
    options.lost = Resume{"sm1", 5};
    options.also = {{kCapulet, "chat.montague.example"}, {"rooms.capulet.example", kMontague}};
    ServerPair pair(options);
    if (external) pair.server.certified = {kCapulet};
    const auto authority = std::exchange(pair.server.authority, nullptr);
    pair.run();
    ASSERT_FALSE(pair.server.keys.empty());
    EXPECT_FALSE(pair.server.resume) << "something is not proved yet";
    EXPECT_THAT(pair.client.news, IsEmpty());
    // The first pair comes last.
    std::vector<VerifyKey> keys = std::exchange(pair.server.keys, {});
    for (; !keys.empty(); keys.pop_back()) {
      EXPECT_FALSE(pair.server.resume) << keys.size() << " are not proved yet";
      pair.server.perform(pair.server.machine.on_key(keys.back().pair, authority(keys.back())));
      pair.go_on();
    }
    ASSERT_TRUE(pair.server.resume);
    EXPECT_EQ(pair.server.resume->previd, "sm1");
    EXPECT_EQ(pair.server.machine.incoming().accepted().size(), 3u);
    pair.client.feed("<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='3'/>");
    EXPECT_THAT(pair.client.news,
                ::testing::Contains("opened capulet.example chat.montague.example dialback"));
    EXPECT_EQ(pair.client.machine.outgoing().open_pairs().size(), 3u);
  }
}

TEST(ServerPair, WhatIsRefusedDoesNotHoldUpTheRest) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  options.lost = Resume{"sm1", 5};
  options.also = {{kCapulet, "nowhere.example"}};
  ServerPair pair(options);
  pair.server.certified = {kCapulet};
  pair.run();
  EXPECT_THAT(pair.client.news,
              ElementsAre("refused capulet.example nowhere.example item-not-found"));
  EXPECT_TRUE(pair.server.resume);
}

TEST(ServerPair, ALostStreamThatCannotBeResumed) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  options.lost = Resume{"sm1", 5};
  ServerPair pair(options);
  pair.server.certified = {kCapulet};
  pair.run();
  pair.client.feed(
      "<failed xmlns='urn:xmpp:sm:3' h='4'><item-not-found "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
  pair.go_on();
  EXPECT_EQ(pair.server.enable, false);
  pair.client.feed("<enabled xmlns='urn:xmpp:sm:3'/>");
  EXPECT_EQ(pair.client.management->kind, ManagementOutcome::Kind::kEnabled);
  EXPECT_EQ(pair.client.management->lost_h, 4u);
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("external"));
}

TEST(ServerPair, AStreamThatEndsBeforeManagementIsSettled) {
  InitiatingServerOptions options = to_montague();
  options.management = true;
  ServerPair pair(options);
  pair.run();
  pair.client.perform(pair.client.machine.on_error(Error(Errc::kIo, "reset")));
  EXPECT_THAT(pair.client.news, ElementsAre("refused capulet.example montague.example io-failed"));
  EXPECT_TRUE(pair.client.ended);
}

// ---- limits (XEP-0478)

TEST(ServerPair, LimitsAreTold) {
  InitiatingServerOptions options = to_montague();
  options.limits = {20000, 600};
  ReceivingServerOptions receiving;
  receiving.limits = {10000, 1800};
  ServerPair pair(std::move(options), receiving);
  pair.run();
  EXPECT_EQ(pair.client.machine.peer_limits().bytes_max, 10000u);
  EXPECT_EQ(pair.client.machine.peer_limits().idle_seconds, 1800u);
  EXPECT_EQ(pair.server.machine.peer_limits().bytes_max, 20000u);
  EXPECT_EQ(pair.server.machine.peer_limits().idle_seconds, 600u);
}

// ---- policies

TEST(ServerPair, ACertificateIsRequired) {
  ServerPair pair(to_montague());
  pair.montague.trusted.certificate_required = true;
  pair.run();
  EXPECT_THAT(pair.client.news,
              ElementsAre("refused capulet.example montague.example not-authorized"));
  ServerPair other(to_montague());
  other.capulet.trusted.certificate_required = true;
  other.client.certified.clear();
  other.run();
  ASSERT_TRUE(other.client.failed);
  EXPECT_EQ(other.client.failed->error.code, Errc::kTls);
  EXPECT_THAT(other.transcript, Not(HasSubstr("db:result")));
}

TEST(ServerPair, WithoutTlsWhereBothAllowIt) {
  InitiatingServerOptions options = to_montague();
  options.tls = ServerTls::kNone;
  ServerPair pair(std::move(options));
  pair.montague.trusted.tls_required = pair.capulet.trusted.tls_required = false;
  pair.run();
  EXPECT_EQ(pair.client.news.at(0), kOpened + std::string("dialback"));
  EXPECT_FALSE(pair.client.machine.is_tls());
}

}  // namespace
}  // namespace balcony::stream::testing
