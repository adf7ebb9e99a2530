#include "router/router.h"

#include "router/testing/test_world.h"
#include "stanza/ns.h"
#include "xml/parser.h"

#include <gtest/gtest.h>

namespace balcony::router {
namespace {

using testing::TestClient;
using testing::World;

// A module of the test: makes presence known without RFC 6121's roster, answers requests in each
// way.
void attach_probe(Registrar& on, Server& server, const NoOptions&) {
  on.on<PresenceOutgoing>([](PresenceOutgoing& e) {
    e.sender.available = e.stanza.type() == StanzaType::kAvailable;
    const std::string priority = e.stanza.xml().child_text(ns::kClient, "priority");
    e.sender.priority = static_cast<std::int8_t>(priority.empty() ? 0 : std::stoi(priority));
    return Flow::kStop;
  });
  on.iq_get({"test:echo", "echo"}, Target::kServerAndAccount, Access::kAnyone,
            [](const IqRequest& r) -> IqReply { return r.payload.clone(); });
  on.iq_get({"test:own", "own"}, Target::kAccount, Access::kOwner,
            [](const IqRequest&) -> IqReply { return IqAnswer{}; });
  on.iq_set({"test:store", "put"}, Target::kAccount, Access::kOwner,
            [&server](const IqRequest& r) -> IqReply {
              storage::Batch batch;
              batch.add(r.user->bare.str(), storage::op::Put{"test", "key", r.payload.text()});
              return IqAnswer{{}, server.commit(*r.user, std::move(batch))};
            });
  on.iq_get_task({"test:store", "get"}, Target::kAccount, Access::kOwner,
                 [&server](const IqRequest& r) -> Task<IqReply> {
                   auto value = co_await server.store().get(r.user->bare.str(), "test", "key");
                   if (!value) co_return fail(value.error());
                   if (!*value) co_return fail(Errc::kItemNotFound);
                   xml::Element answer("test:store", "value");
                   answer.append_text((*value)->value);
                   co_return IqAnswer(std::move(answer));
                 });
}

const ModuleSpec kProbe =
    module<NoOptions>("probe", {}, "Answers what the tests ask.", {}, attach_probe);

constexpr std::string_view kUnavailable =
    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";

class RouterTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&kProbe}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, RouterTest, ::testing::Values(1, 2, 4));

TEST_P(RouterTest, MessageToFullJid) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  romeo.send("<message to='juliet@localhost/balcony' type='chat' id='1'><body>hi</body></message>");
  EXPECT_EQ(juliet.received(),
            "<message xmlns='jabber:client' to='juliet@localhost/balcony' type='chat' id='1' "
            "from='romeo@localhost/orchard'><body>hi</body></message>");
  EXPECT_EQ(romeo.waiting(), 0U);
}

TEST_P(RouterTest, FromIsStampedWhateverTheClientWrote) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  romeo.send("<message from='romeo@localhost' to='juliet@localhost/balcony'/>");
  EXPECT_EQ(juliet.received_element().attr("from"), "romeo@localhost/orchard");
}

// RFC 6121 §8.5.2.1.1 and §8.5.2.2.1: each type of message to the bare JID, with three priorities.
TEST_P(RouterTest, MessagesToBareJidFollowPriorities) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& high = world.login("juliet@localhost/high");
  TestClient& low = world.login("juliet@localhost/low");
  TestClient& negative = world.login("juliet@localhost/negative");
  TestClient& silent = world.login("juliet@localhost/silent");
  high.send("<presence><priority>5</priority></presence>");
  low.send("<presence><priority>1</priority></presence>");
  negative.send("<presence><priority>-1</priority></presence>");
  struct Case {
    std::string_view type;
    std::size_t high, low, bounced;
  };
  for (const Case& c : {Case{"normal", 1, 0, 0}, Case{"chat", 1, 0, 0}, Case{"headline", 1, 1, 0},
                        Case{"groupchat", 0, 0, 1}, Case{"error", 0, 0, 0}}) {
    romeo.send("<message to='juliet@localhost' type='" + std::string(c.type) + "'/>");
    EXPECT_EQ(high.waiting(), c.high) << c.type;
    EXPECT_EQ(low.waiting(), c.low) << c.type;
    EXPECT_EQ(negative.waiting(), 0U) << c.type;
    EXPECT_EQ(silent.waiting(), 0U) << c.type;
    EXPECT_EQ(romeo.waiting(), c.bounced) << c.type;
    for (TestClient* client : {&romeo, &high, &low}) client->clear();
  }
}

// RFC 6121 §8.5.2.2.1, §8.5.3.2.1: nobody there.
TEST_P(RouterTest, MessagesToNobodyThere) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.account("juliet@localhost");
  struct Case {
    std::string_view to, type;
    bool bounced;
  };
  for (const Case& c :
       {Case{"juliet@localhost", "chat", true}, Case{"juliet@localhost", "headline", false},
        Case{"juliet@localhost/gone", "normal", true}, Case{"juliet@localhost/gone", "chat", true},
        Case{"juliet@localhost/gone", "groupchat", true},
        Case{"juliet@localhost/gone", "headline", false},
        Case{"juliet@localhost/gone", "error", false}, Case{"nobody@localhost", "chat", true}}) {
    romeo.send("<message to='" + std::string(c.to) + "' type='" + std::string(c.type) + "'/>");
    const std::string answer = romeo.received();
    EXPECT_EQ(answer.find(kUnavailable) != std::string::npos, c.bounced)
        << c.to << c.type << answer;
  }
}

TEST_P(RouterTest, RequestsAreAnsweredForServerAndAccount) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.account("juliet@localhost");
  for (const std::string_view to :
       {"", "to='localhost'", "to='romeo@localhost'", "to='juliet@localhost'"}) {
    romeo.send("<iq type='get' id='1' " + std::string(to) +
               "><echo xmlns='test:echo'>x</echo></iq>");
    const xml::Element answer = romeo.received_element();
    EXPECT_EQ(answer.attr("type"), "result") << to;
    EXPECT_EQ(answer.view().child_text("test:echo", "echo"), "x") << to;
  }
}

TEST_P(RouterTest, WhatNobodyAnswersAndWhatOthersMayNotAskLookTheSame) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.account("juliet@localhost");
  for (const std::string_view iq :
       {"<iq type='get' id='1'><unknown xmlns='test:none'/></iq>",
        "<iq type='get' id='1' to='localhost'><unknown xmlns='test:none'/></iq>",
        "<iq type='get' id='1' to='localhost'><own xmlns='test:own'/></iq>",
        "<iq type='get' id='1' to='juliet@localhost'><own xmlns='test:own'/></iq>",
        "<iq type='get' id='1' to='nobody@localhost'><own xmlns='test:own'/></iq>",
        "<iq type='get' id='1' to='juliet@localhost/gone'><echo xmlns='test:echo'/></iq>"}) {
    romeo.send(iq);
    const std::string answer = romeo.received();
    EXPECT_NE(answer.find(kUnavailable), std::string::npos) << iq << answer;
    EXPECT_EQ(romeo.waiting(), 0U);
  }
}

TEST_P(RouterTest, ErrorsAndResultsAreNeverAnswered) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  for (const std::string_view stanza :
       {"<iq type='result' id='1' to='nobody@localhost'/>",
        "<iq type='error' id='1' to='localhost'/>", "<iq type='result' id='1'/>",
        "<message type='error' to='nobody@localhost'/>",
        "<presence type='error' to='nobody@localhost'/>"}) {
    romeo.send(stanza);
    EXPECT_EQ(romeo.waiting(), 0U) << stanza;
  }
}

TEST_P(RouterTest, OtherServersAreNotReached) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<message to='juliet@capulet.example' id='m'/>");
  EXPECT_NE(romeo.received().find("<remote-server-not-found "), std::string::npos);
}

TEST_P(RouterTest, AnswersWaitForTheCommit) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<iq type='set' id='1'><put xmlns='test:store'>v</put></iq>");
  EXPECT_EQ(romeo.received_element().attr("type"), "result");
  romeo.send("<iq type='get' id='2'><get xmlns='test:store'/></iq>");
  EXPECT_EQ(romeo.received_element().view().child_text("test:store", "value"), "v");

  world.fail_commits = Error(Errc::kDiskFull, "/secret/path is full");
  romeo.send("<iq type='set' id='3'><put xmlns='test:store'>w</put></iq>");
  const std::string answer = romeo.received();
  EXPECT_NE(answer.find("<resource-constraint "), std::string::npos) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
  world.fail_commits.reset();
  romeo.send("<iq type='get' id='4'><get xmlns='test:store'/></iq>");
  EXPECT_EQ(romeo.received_element().view().child_text("test:store", "value"), "v");
}

// decision 0012: a request counts as dealt with when what it changes is on disk, and one that is
// passed on at once.
TEST_P(RouterTest, ARequestIsSettledWithItsAnswer) {
  struct Watched final : Receipt {
    explicit Watched(bool& to) : gone(to) {}
    ~Watched() override { gone = true; }
    bool& gone;
  };
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  bool gone = false;
  const auto send = [&](std::string_view text) {
    gone = false;
    auto element = xml::parse(text);
    ASSERT_TRUE(element);
    auto stanza = Stanza::make(*element);
    ASSERT_TRUE(stanza);
    stanza->set_receipt(std::make_shared<Watched>(gone));
    static_cast<void>(
        world.router_of("romeo@localhost").receive(romeo.resource(), *std::move(stanza)));
  };
  send("<iq xmlns='jabber:client' type='set' id='1'><put xmlns='test:store'>v</put></iq>");
  EXPECT_FALSE(gone);
  EXPECT_EQ(romeo.waiting(), 0U);
  world.run();
  EXPECT_TRUE(gone);
  EXPECT_EQ(romeo.received_element().attr("type"), "result");
  send("<iq xmlns='jabber:client' type='get' id='2' to='" + juliet.jid().str() +
       "'><any xmlns='test:any'/></iq>");
  EXPECT_TRUE(gone);
}

TEST_P(RouterTest, ANewSessionTakesTheResource) {
  TestClient& older = world.login("romeo@localhost/orchard");
  TestClient& newer = world.login("romeo@localhost/orchard");
  ASSERT_TRUE(older.closed());
  EXPECT_EQ(older.closed()->condition, StreamCondition::kConflict);
  EXPECT_FALSE(newer.closed());
  EXPECT_EQ(world.router_of("romeo@localhost").users().sessions(), 1U);
}

TEST_P(RouterTest, AccountRemovalEndsTheSessions) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  world.router_of("romeo@localhost").remove_account(*Jid::parse("romeo@localhost"));
  ASSERT_TRUE(romeo.closed());
  EXPECT_EQ(romeo.closed()->condition, StreamCondition::kNotAuthorized);
  EXPECT_EQ(world.router_of("romeo@localhost").users().size(), 0U);
}

// Between the two steps nothing reaches the account, and nothing is lost.
TEST_P(RouterTest, WhatComesDuringARemovalWaits) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  Router& home = world.router_of("romeo@localhost");
  const std::string hello =
      "<message to='romeo@localhost/orchard' type='chat' id='1'><body>hi</body></message>";

  auto user = home.begin_removal(*Jid::parse("romeo@localhost"));
  ASSERT_TRUE(user);
  EXPECT_EQ(home.begin_removal(user->bare), nullptr);
  juliet.send(hello);
  EXPECT_EQ(romeo.waiting() + juliet.waiting(), 0U);
  // The erasing failed: he is there as before.
  home.finish_removal(*user, fail(Errc::kDiskFull));
  world.run();
  EXPECT_FALSE(romeo.closed());
  EXPECT_NE(romeo.received().find("<body>hi</body>"), std::string::npos);

  user = home.begin_removal(user->bare);
  ASSERT_TRUE(user);
  juliet.send(hello);
  EXPECT_FALSE(romeo.closed());
  home.finish_removal(*user, {});
  world.run();
  ASSERT_TRUE(romeo.closed());
  EXPECT_EQ(romeo.closed()->condition, StreamCondition::kNotAuthorized);
  EXPECT_NE(juliet.received().find(kUnavailable), std::string::npos);
  EXPECT_EQ(home.users().loaded("romeo@localhost"), nullptr);
}

// Who waits for somebody without a session is told too, however many others are used meanwhile.
TEST_P(RouterTest, ARemovalIsNotPushedOut) {
  world.account("romeo@localhost");
  TestClient& juliet = world.login("juliet@localhost/balcony");
  juliet.send("<message to='romeo@localhost' id='0'/>");  // loads him
  juliet.clear();
  Router& home = world.router_of("romeo@localhost");
  const auto user = home.begin_removal(*Jid::parse("romeo@localhost"));
  ASSERT_TRUE(user);
  juliet.send("<message to='romeo@localhost' id='1'/>");
  home.set_options({.offline_users_max = 0});
  for (const char* name : {"a@localhost", "b@localhost", "c@localhost"}) {
    world.account(name);
    home.users().with(*Jid::parse(name), [](const UserTable::Loaded&) {});
  }
  world.run();
  EXPECT_EQ(juliet.waiting(), 0U);
  home.finish_removal(*user, {});
  world.run();
  EXPECT_EQ(juliet.received_element().attr("id"), "1");
}

// RFC 6121 §8.5.1: to the letter the same from an account that is there.
TEST_P(RouterTest, NobodyLearnsWhichAccountsExist) {
  world.account("juliet@localhost");
  TestClient& romeo = world.login("romeo@localhost/orchard");
  for (const char* request :
       {"<iq type='get' id='1' to='juliet@localhost'><own xmlns='test:own'/></iq>",
        "<iq type='get' id='1' to='juliet@localhost'><x xmlns='test:unknown'/></iq>",
        "<iq type='get' id='1' to='juliet@localhost/balcony'><x xmlns='test:unknown'/></iq>",
        "<message id='1' to='juliet@localhost/balcony'/>"}) {
    romeo.send(request);
    std::string there = romeo.received();
    std::string other = request;
    other.replace(other.find("juliet"), 6, "tybalt");
    romeo.send(other);
    there.replace(there.find("juliet"), 6, "tybalt");
    EXPECT_EQ(romeo.received(), there);
  }
}

}  // namespace
}  // namespace balcony::router
