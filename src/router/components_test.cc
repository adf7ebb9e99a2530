#include "router/components.h"

#include "router/testing/test_stream.h"
#include "router/testing/test_world.h"
#include "stanza/ns.h"

#include <gmock/gmock.h>

namespace balcony::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::stanza;
using testing::TestClient;
using testing::TestStream;
using testing::World;

class ComponentsTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  ComponentsTest() {
    for (std::size_t i = 0; i < world.count(); ++i) {
      world.router(i).set_components({{"irc.localhost", true}, {"hidden.localhost", false}});
    }
  }
  void connect(TestStream& to, std::string_view domain = "irc.localhost") {
    EXPECT_TRUE(world.router_of(domain).component_began(domain, to));
    world.run();
  }
  void disconnect(TestStream& from, std::string_view domain = "irc.localhost") {
    world.router_of(domain).component_ended(domain, from);
    world.run();
  }
  void from_component(std::string_view text) {
    (void)world.router_of("irc.localhost").receive_foreign(stanza(text));
    world.run();
  }

  World world{{}, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Shards, ComponentsTest, ::testing::Values(1, 2, 4));

TEST_P(ComponentsTest, StanzasGoBothWays) {
  TestStream component;
  connect(component);
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<message to='#verona@irc.localhost/x' id='1'><body>hi</body></message>");
  EXPECT_THAT(component.inbox, ElementsAre(HasSubstr("from='romeo@localhost/orchard'")));
  from_component("<message from='x@irc.localhost' to='romeo@localhost/orchard'/>");
  EXPECT_THAT(romeo.received(), HasSubstr("from='x@irc.localhost'"));
}

// RFC 6120 §8.3.3.17
TEST_P(ComponentsTest, WithoutAStreamTheSenderHearsIt) {
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<iq type='get' to='irc.localhost' id='1'><a xmlns='b'/></iq>");
  EXPECT_THAT(romeo.received(), HasSubstr("<error type='wait'><remote-server-timeout"));
  romeo.send("<presence type='unavailable' to='irc.localhost'/>");
  EXPECT_EQ(romeo.waiting(), 0U);
  romeo.send("<iq type='get' to='other.localhost' id='2'><a xmlns='b'/></iq>");
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-not-found"));
}

TEST_P(ComponentsTest, AnswersOfTheServerReachIt) {
  TestStream component;
  connect(component);
  from_component("<iq from='irc.localhost' to='localhost' type='get' id='1'><a xmlns='b'/></iq>");
  ASSERT_EQ(component.inbox.size(), 1U);
  EXPECT_THAT(component.inbox[0], HasSubstr("service-unavailable"));
  EXPECT_THAT(component.inbox[0], HasSubstr("to='irc.localhost'"));
}

TEST_P(ComponentsTest, AUserStaysWithOneOfSeveralStreams) {
  TestStream streams[3];
  for (TestStream& stream : streams) connect(stream);
  EXPECT_EQ(world.router_of("irc.localhost").components().streams("irc.localhost"), 3U);
  std::vector<std::size_t> places;
  const auto place_of = [&](int user) {
    for (TestStream& stream : streams) stream.inbox.clear();
    const std::string from = "user" + std::to_string(user) + "@localhost";
    for (const char* resource : {"/a", "/b"}) {
      world.router(0).route(stanza("<message from='" + from + resource + "' to='irc.localhost'/>"));
    }
    world.run();
    for (std::size_t i = 0; i < 3; ++i) {
      if (streams[i].inbox.empty()) continue;
      EXPECT_EQ(streams[i].inbox.size(), 2U) << "two resources of one user, two streams";
      return i;
    }
    ADD_FAILURE() << "nobody got it";
    return std::size_t{3};
  };
  for (int user = 0; user < 60; ++user) places.push_back(place_of(user));
  for (const std::size_t i : {0U, 1U, 2U}) EXPECT_GT(std::ranges::count(places, i), 5);
  disconnect(streams[2]);
  for (int user = 0; user < 60; ++user) {
    const std::size_t before = places[static_cast<std::size_t>(user)];
    const std::size_t now = place_of(user);
    EXPECT_NE(now, 2U);
    if (before != 2) {
      EXPECT_EQ(now, before) << "a bystander moved";
    }
  }
}

TEST_P(ComponentsTest, EveryShardKnowsWhoIsConnected) {
  TestStream irc;
  TestStream hidden;
  connect(irc);
  connect(hidden, "hidden.localhost");
  for (std::size_t i = 0; i < world.count(); ++i) {
    EXPECT_THAT(world.router(i).components().listed(), ElementsAre("irc.localhost"));
  }
  disconnect(irc);
  for (std::size_t i = 0; i < world.count(); ++i) {
    EXPECT_THAT(world.router(i).components().listed(), IsEmpty());
  }
}

TEST_P(ComponentsTest, AComponentThatIsGoneFromTheConfigurationIsNoPlaceToSendTo) {
  TestStream irc;
  connect(irc);
  for (std::size_t i = 0; i < world.count(); ++i) world.router(i).set_components({});
  EXPECT_FALSE(world.router_of("irc.localhost").component_began("irc.localhost", irc));
  world.router_of("irc.localhost").component_ended("irc.localhost", irc);
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send("<message to='irc.localhost' id='1'/>");
  EXPECT_THAT(romeo.received(), HasSubstr("<remote-server-not-found"));
  EXPECT_THAT(irc.inbox, IsEmpty());
}

}  // namespace
}  // namespace balcony::router
