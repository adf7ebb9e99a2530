// The receiving end of a stream between servers: pairs of domains by dialback, and what may come
// then.
#include "stream/receiving_server_test_support.h"

#include <gmock/gmock.h>

namespace balcony::stream::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using State = ReceivingServer::State;

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

}  // namespace
}  // namespace balcony::stream::testing
