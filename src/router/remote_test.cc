#include "router/remote.h"

#include "router/testing/test_stream.h"
#include "router/testing/test_world.h"
#include "stanza/ns.h"

#include <gmock/gmock.h>

namespace balcony::router {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::stanza;
using testing::TestClient;
using testing::TestStream;
using testing::World;

class TestDialer final : public RemoteDialer {
 public:
  std::optional<Error> refuses(const DomainPair& pair) const override {
    if (pair.remote == "denied.example") return Error(Errc::kNotAllowed);
    return std::nullopt;
  }
  void dial(const DomainPair& pair) override { dialed.push_back(pair.local + '>' + pair.remote); }

  std::vector<std::string> dialed;
};

const DomainPair kPair{"localhost", "capulet.example"};

class RemoteTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  RemoteTest() {
    for (std::size_t i = 0; i < world.count(); ++i) world.router(i).remotes().set_dialer(&dialer);
  }
  ~RemoteTest() override {
    for (std::size_t i = 0; i < world.count(); ++i) world.router(i).remotes().set_dialer(nullptr);
  }
  RemoteTable& home(std::string_view domain = "capulet.example") {
    return world.router_of(domain).remotes();
  }
  void set_options(const RemoteOptions& remote) {
    RouterOptions options;
    options.remote = remote;
    for (std::size_t i = 0; i < world.count(); ++i) world.router(i).set_options(options);
  }
  void message(TestClient& from, std::string_view id,
               std::string_view to = "juliet@capulet.example") {
    from.send("<message to='" + std::string(to) + "' id='" + std::string(id) + "'/>");
  }
  void fail_dial(const Error& error, const DomainPair& pair = kPair) {
    home(pair.remote).failed(pair, error);
    world.run();
  }

  World world{{}, GetParam()};
  TestDialer dialer;
  TestClient& romeo = world.login("romeo@localhost/orchard");
};
INSTANTIATE_TEST_SUITE_P(Shards, RemoteTest, ::testing::Values(1, 4));

TEST_P(RemoteTest, WhatWaitsIsSentInOrderAndWhatComesLaterBehindIt) {
  message(romeo, "1");
  message(romeo, "2");
  EXPECT_THAT(dialer.dialed, ElementsAre("localhost>capulet.example"));
  TestStream stream;
  home().ready(kPair, stream);
  message(romeo, "3");
  EXPECT_THAT(stream.inbox,
              ElementsAre(HasSubstr("id='1'"), HasSubstr("id='2'"), HasSubstr("id='3'")));
  EXPECT_EQ(home().waiting(), 0U);
  home().gone(kPair, stream);
}

// RFC 6120 §10.1: what did not reach a stream on another shard goes first, whatever came meanwhile.
TEST_P(RemoteTest, WhatComesBackFromAStreamGoesFirst) {
  message(romeo, "1");
  TestStream first;
  TestStream second;
  home().ready(kPair, first);
  home().withdrawn(kPair, second);  // another one's end
  message(romeo, "2");
  home().withdrawn(kPair, first);
  message(romeo, "5");
  home().ready(kPair, second);  // not before everything is back
  EXPECT_THAT(first.inbox, SizeIs(2));
  EXPECT_THAT(second.inbox, IsEmpty());
  EXPECT_THAT(dialer.dialed, SizeIs(1));
  std::deque<Stanza> late;
  for (const char* id : {"3", "4"}) {
    late.push_back(
        stanza("<message from='romeo@localhost/orchard' to='juliet@capulet.example' id='" +
               std::string(id) + "'/>"));
  }
  home().came_back(kPair, std::move(late));
  EXPECT_EQ(home().waiting(), 3U);
  EXPECT_THAT(dialer.dialed, SizeIs(2));
  home().ready(kPair, second);
  EXPECT_THAT(second.inbox,
              ElementsAre(HasSubstr("id='3'"), HasSubstr("id='4'"), HasSubstr("id='5'")));
  home().withdrawn(kPair, second);
  home().came_back(kPair, {});
  EXPECT_THAT(dialer.dialed, SizeIs(2)) << "nothing waits";
}

// XEP-0198 §5: another stream does not overtake what a lost one may bring again.
TEST_P(RemoteTest, ASuspendedRouteTakesNoOtherStream) {
  message(romeo, "1");
  TestStream lost;
  TestStream other;
  home().ready(kPair, lost);
  EXPECT_FALSE(home().suspended(kPair, other));
  EXPECT_TRUE(home().suspended(kPair, lost));
  message(romeo, "2");
  home().ready(kPair, other);
  EXPECT_THAT(other.inbox, IsEmpty());
  home().release(kPair);
  home().ready(kPair, other);
  EXPECT_THAT(other.inbox, ElementsAre(HasSubstr("id='2'")));
  EXPECT_THAT(dialer.dialed, SizeIs(1));
  home().gone(kPair, other);
}

TEST_P(RemoteTest, WhatComesBackIsAnsweredWhereNobodyWillSendIt) {
  message(romeo, "1");
  TestStream stream;
  home().ready(kPair, stream);
  home().withdrawn(kPair, stream);
  home().stop();
  std::deque<Stanza> late;
  late.push_back(
      stanza("<message from='romeo@localhost/orchard' to='juliet@capulet.example' "
             "id='late'/>"));
  home().came_back(kPair, std::move(late));
  world.run();
  EXPECT_THAT(romeo.received(), HasSubstr("id='late'"));
  EXPECT_EQ(home().waiting(), 0U);
}

TEST_P(RemoteTest, StanzasOfAnotherServerReachTheUser) {
  EXPECT_FALSE(world.router(0).receive_foreign(
      stanza("<message from='juliet@capulet.example/x' to='romeo@localhost/orchard'/>")));
  world.run();
  EXPECT_THAT(romeo.received(), HasSubstr("from='juliet@capulet.example/x'"));
  // And an answer to them goes the way of all stanzas for that server.
  (void)world.router(0).receive_foreign(
      stanza("<iq type='get' id='1' from='juliet@capulet.example/x' to='nobody@localhost'><a "
             "xmlns='b'/></iq>"));
  world.run();
  TestStream stream;
  home().ready(kPair, stream);
  EXPECT_THAT(stream.inbox, ElementsAre(HasSubstr("<service-unavailable")));
  home().gone(kPair, stream);
}

// RFC 6120 §8.3.3.16, §8.3.3.17
TEST_P(RemoteTest, AFailureGoesBackToAllThatWait) {
  message(romeo, "1");
  message(romeo, "2");
  romeo.send("<presence to='juliet@capulet.example' type='unavailable'/>");
  fail_dial(Error(Errc::kNotFound, "no such name"));
  EXPECT_THAT(romeo.received(), HasSubstr("<error type='cancel'><remote-server-not-found"));
  EXPECT_THAT(romeo.received(), HasSubstr("id='2'"));
  EXPECT_EQ(romeo.waiting(), 0U) << "nobody waits to hear of that presence";
  message(romeo, "3", "x@montague.example");
  fail_dial(Error(Errc::kConnect), {"localhost", "montague.example"});
  EXPECT_THAT(romeo.received(), HasSubstr("<error type='wait'><remote-server-timeout"));
}

TEST_P(RemoteTest, AfterAFailureNobodyTriesForAWhile) {
  message(romeo, "1");
  fail_dial(Error(Errc::kConnect));
  romeo.clear();
  message(romeo, "2");
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-timeout"));
  EXPECT_THAT(dialer.dialed, SizeIs(1));
  world.advance(1s);
  message(romeo, "3");
  EXPECT_THAT(dialer.dialed, SizeIs(2));
  fail_dial(Error(Errc::kConnect));
  world.advance(1s);
  message(romeo, "4");
  EXPECT_THAT(dialer.dialed, SizeIs(2)) << "twice as long the second time";
  world.advance(1s);
  message(romeo, "5");
  EXPECT_THAT(dialer.dialed, SizeIs(3));
  TestStream stream;
  home().ready(kPair, stream);
  home().gone(kPair, stream);
  message(romeo, "6");
  EXPECT_THAT(dialer.dialed, SizeIs(4)) << "a stream that was there forgives";
  fail_dial(Error(Errc::kConnect));
}

TEST_P(RemoteTest, AServerThatHangsUpEachTimeIsLeftAlone) {
  TestStream stream;
  for (int i = 0; i < 3; ++i) {
    message(romeo, "1");
    home().ready(kPair, stream);
    home().gone(kPair, stream);
  }
  EXPECT_THAT(dialer.dialed, SizeIs(3));
  message(romeo, "2");
  EXPECT_THAT(dialer.dialed, SizeIs(3));
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-timeout"));
}

TEST_P(RemoteTest, WhatWaitsTooLongGoesBack) {
  message(romeo, "1");
  world.advance(40s);
  message(romeo, "2");
  world.advance(25s);
  EXPECT_THAT(romeo.received(), HasSubstr("id='1'"));
  EXPECT_EQ(romeo.waiting(), 0U);
  world.advance(40s);
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-timeout"));
  EXPECT_EQ(home().waiting(), 0U);
  TestStream stream;
  home().ready(kPair, stream);
  EXPECT_THAT(stream.inbox, IsEmpty());
  home().gone(kPair, stream);
}

TEST_P(RemoteTest, TheQueueIsBounded) {
  RemoteOptions options;
  options.stanzas_max = 2;
  set_options(options);
  message(romeo, "1");
  message(romeo, "2");
  message(romeo, "3");
  EXPECT_THAT(romeo.received(), HasSubstr("<error type='wait'><resource-constraint"));
  options.stanzas_max = 100;
  options.bytes_max = 300;
  set_options(options);
  message(romeo, "4");
  message(romeo, std::string(200, 'x'));
  EXPECT_THAT(romeo.received(), HasSubstr("<resource-constraint"));
  fail_dial(Error(Errc::kConnect));
  EXPECT_EQ(home().waiting(), 0U);
}

TEST_P(RemoteTest, TheNumberOfRoutesIsBounded) {
  RemoteOptions options;
  options.routes_max = 1;
  set_options(options);
  // Domains of one home.
  std::vector<std::string> domains;
  for (int i = 0; domains.size() < 3; ++i) {
    const std::string name = "d" + std::to_string(i) + ".example";
    if (&home(name) == &home()) domains.push_back(name);
  }
  message(romeo, "1", "x@" + domains[0]);
  message(romeo, "2", "x@" + domains[1]);
  EXPECT_THAT(romeo.received(), HasSubstr("<resource-constraint"));
  fail_dial(Error(Errc::kConnect), {"localhost", domains[0]});
  romeo.clear();
  message(romeo, "3", "x@" + domains[2]);
  EXPECT_EQ(romeo.waiting(), 0U) << "a route of which only a failure is known makes room";
  EXPECT_EQ(home().size(), 1U);
  fail_dial(Error(Errc::kConnect), {"localhost", domains[2]});
}

TEST_P(RemoteTest, PolicyRefusesAtOnce) {
  message(romeo, "1", "x@denied.example");
  EXPECT_THAT(romeo.received(), HasSubstr("<error type='cancel'><not-allowed"));
  EXPECT_THAT(dialer.dialed, IsEmpty());
}

// It has a limit of its own for what waits in it, and may reach it with what waited here.
TEST_P(RemoteTest, AStreamMayEndWhileItTakesWhatWaits) {
  class Full final : public Endpoint {
   public:
    explicit Full(RemoteTable& table) : table_(table) {}
    void deliver(const Stanza&, std::string_view) override {
      if (++taken == 2) table_.gone(kPair, *this);
    }
    void deliver(xml::ElementView) override {}
    void close(const StreamError&) override {}
    Info info() const override { return {}; }
    int taken = 0;

   private:
    RemoteTable& table_;
  };
  for (const char* const id : {"1", "2", "3", "4"}) message(romeo, id);
  Full full(home());
  home().ready(kPair, full);
  EXPECT_EQ(full.taken, 2);
  EXPECT_EQ(home().waiting(), 2U);
  EXPECT_THAT(dialer.dialed, SizeIs(2));
  TestStream next;
  home().ready(kPair, next);
  EXPECT_THAT(next.inbox, ElementsAre(HasSubstr("id='3'"), HasSubstr("id='4'")));
  home().gone(kPair, next);
}

TEST_P(RemoteTest, ASecondStreamDoesNotOvertakeTheFirst) {
  TestStream first;
  TestStream second;
  message(romeo, "1");
  home().ready(kPair, first);
  home().ready(kPair, second);
  message(romeo, "2");
  EXPECT_THAT(first.inbox, SizeIs(2));
  home().gone(kPair, second);
  message(romeo, "3");
  EXPECT_THAT(first.inbox, SizeIs(3));
  home().gone(kPair, first);
}

TEST_P(RemoteTest, NobodyIsARelay) {
  (void)world.router(0).receive_foreign(
      stanza("<message from='a@one.example' to='b@two.example' id='1'/>"));
  world.run();
  EXPECT_THAT(dialer.dialed, IsEmpty());
}

TEST_P(RemoteTest, AStopGivesBackWhatWaits) {
  message(romeo, "1");
  home().stop();
  world.run();
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-timeout"));
  message(romeo, "2");
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-not-found"));
}

// docs/decisions/0012: until a stream has it, or its sender an error, a message is not settled.
TEST_P(RemoteTest, AMessageThatWaitsKeepsItsReceipt) {
  class Settled final : public Receipt {
   public:
    explicit Settled(bool& told) : told_(told) {}
    ~Settled() override { told_ = true; }

   private:
    bool& told_;
  };
  bool settled = false;
  Stanza sent = stanza("<message to='juliet@capulet.example' from='romeo@localhost/orchard'/>");
  sent.set_receipt(std::make_shared<Settled>(settled));
  world.router(0).route(std::move(sent));
  world.run();
  EXPECT_FALSE(settled);
  fail_dial(Error(Errc::kConnect));
  EXPECT_TRUE(settled);
}

}  // namespace
}  // namespace balcony::router
