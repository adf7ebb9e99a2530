// Stream management of a Client, against a server that drops connections at will.
#include "client/management.h"

#include "client/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::client::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kResumed = "<resumed xmlns='urn:xmpp:sm:3' previd='session' h='";

std::string resumed(int h) {
  return std::string(kResumed) + std::to_string(h) + "'/>";
}
std::string ack(int h) {
  return "<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(h) + "'/>";
}

Jid romeo() {
  return *Jid::parse("romeo@montague.example");
}

TEST(ClientManagement, TellsWhatTheServerHas) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    if (e.is(ns::kStreamManagement, "r")) return ack(2) + "<r xmlns='urn:xmpp:sm:3'/>";
    return e.name() == "presence" ? "<message from='a.b'/>" : "";
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    OneShot<std::string> arrived;
    client.on_acknowledged([&](std::string_view id) { arrived.set(std::string(id)); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence());
    const auto id = client.send_message(romeo(), "Art thou there?");
    // One that goes without being asked for: two are fewer than kAskAfter.
    const std::string got = co_await arrived;
    EXPECT_EQ(got, id.value());
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  // Not resumable: nobody would come back. One stanza came; the last <a/> is a good-bye.
  EXPECT_THAT(server.seen(), HasSubstr("<enable xmlns='urn:xmpp:sm:3'/>"));
  EXPECT_THAT(server.seen(), HasSubstr("<a xmlns='urn:xmpp:sm:3' h='1'/>"));
}

TEST(ClientManagement, AsksAtOnceWhenMuchIsSent) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    return e.is(ns::kStreamManagement, "r") ? ack(10) : "";
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    OneShot<bool> all;
    int acknowledged = 0;
    client.on_acknowledged([&](std::string_view) {
      if (++acknowledged == 10) all.set(true);
    });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    const auto start = Runtime::current()->now();
    for (int i = 0; i < 10; ++i) (void)client.send_message(romeo(), "Hark");
    co_await all;
    EXPECT_LT(Runtime::current()->now() - start, 400ms);
    co_return 0;
  }(server.options()));
}

TEST(ClientManagement, ResumesAndSendsAgain) {
  FakeServer server([](const xml::Element& e, int connection) -> std::string {
    if (connection == 1) {
      // One of three is acknowledged, then the line is cut.
      if (e.view().child_text(ns::kClient, "body") == "three") return ack(1) + std::string(kDrop);
      return {};
    }
    if (e.is(ns::kStreamManagement, "resume")) return resumed(2);
    if (e.first_child().is(ns::kPing, "ping")) return FakeServer::result(e, "", "capulet.example");
    if (e.is(ns::kStreamManagement, "r")) return ack(4);
    return {};
  });
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    OneShot<bool> all;
    std::vector<std::string> acknowledged;
    bool resumed_once = false;
    client.on_acknowledged([&](std::string_view id) {
      acknowledged.emplace_back(id);
      if (acknowledged.size() == 3) all.set(true);
    });
    client.on_reconnect([] { ADD_FAILURE() << "it was resumed"; });
    client.on_resume([&] { resumed_once = true; });
    client.on_undelivered([](xml::ElementView) { ADD_FAILURE() << "all arrived"; });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    std::vector<std::string> ids;
    ids.push_back(client.send_message(romeo(), "one").value());
    ids.push_back(client.send_message(romeo(), "two").value());
    // A request in flight is answered through the next connection.
    auto ping = client.ping();
    EXPECT_FALSE(ping.start());
    ids.push_back(client.send_message(romeo(), "three").value());
    const auto answer = co_await std::move(ping).rest();
    EXPECT_TRUE(answer);
    EXPECT_TRUE(resumed_once);
    co_await all;
    EXPECT_EQ(acknowledged, ids);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_EQ(server.connections, 2);
  const std::string again = server.seen().substr(server.seen().find("<resume"));
  EXPECT_THAT(again, HasSubstr("previd='session'"));
  EXPECT_THAT(again, Not(HasSubstr("one")));
  EXPECT_THAT(again, Not(HasSubstr("two")));
  EXPECT_THAT(again, HasSubstr("three"));
  EXPECT_THAT(again, Not(HasSubstr("urn:ietf:params:xml:ns:xmpp-bind")));
}

TEST(ClientManagement, CountsWhatCame) {
  FakeServer server([](const xml::Element& e, int connection) -> std::string {
    if (connection == 1 && e.name() == "presence") {
      return "<message from='a.b'/><message from='a.b'/><foo xmlns='urn:example:x'/>"
             "<r xmlns='urn:xmpp:sm:3'/>" +
             std::string(kDrop);
    }
    if (e.is(ns::kStreamManagement, "resume")) return resumed(1);
    return {};
  });
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    OneShot<bool> back;
    client.on_resume([&] { back.set(true); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence());
    co_await back;
    co_return 0;
  }(server.options()));
  EXPECT_THAT(server.seen(), HasSubstr("<resume xmlns='urn:xmpp:sm:3' previd='session' h='2'/>"));
}

TEST(ClientManagement, ANewSessionGetsTheMessagesThatWereLost) {
  FakeServer server([](const xml::Element& e, int connection) -> std::string {
    if (connection == 1)
      return e.view().child_text(ns::kClient, "body") == "two" ? std::string(kDrop) : "";
    if (e.is(ns::kStreamManagement, "resume")) {
      return "<failed xmlns='urn:xmpp:sm:3' h='2'/>";  // the presence and the first message
    }
    return {};
  });
  run([](ClientOptions options) -> Task<int> {
    options.reconnect = true;
    Client client(std::move(options));
    OneShot<bool> back;
    client.on_resume([] { ADD_FAILURE() << "it was not resumed"; });
    client.on_reconnect([&] { back.set(true); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence("away"));
    EXPECT_TRUE(client.send_message(romeo(), "one"));
    auto ping = client.ping();
    EXPECT_FALSE(ping.start());
    EXPECT_TRUE(client.send_message(romeo(), "two"));
    const auto answer = co_await std::move(ping).rest();
    EXPECT_EQ(answer.error().code, Errc::kClosed);
    co_await back;
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  const std::string again = server.seen().substr(server.seen().find("<resume"));
  EXPECT_THAT(again, Not(HasSubstr("<body>one")));
  EXPECT_THAT(again, HasSubstr("<body>two</body><delay xmlns='urn:xmpp:delay' stamp='20"));
  EXPECT_THAT(again, HasSubstr("<show>away"));
  EXPECT_THAT(again, HasSubstr("<enable"));
  EXPECT_THAT(again, Not(HasSubstr("urn:xmpp:ping")));
}

TEST(ClientManagement, SaysWhatWasNotDelivered) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    return e.name() == "message" ? std::string(kDrop) : "";
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    std::vector<std::string> lost;
    client.on_undelivered(
        [&](xml::ElementView e) { lost.push_back(e.child_text(ns::kClient, "body")); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_message(romeo(), "Farewell"));
    co_await client.closed();
    EXPECT_THAT(lost, ElementsAre("Farewell"));
    co_return 0;
  }(server.options()));
}

TEST(ClientManagement, CanBeSwitchedOff) {
  FakeServer server([](const xml::Element&, int) { return std::string(); });
  run([](ClientOptions options) -> Task<int> {
    options.stream_management = false;
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_THAT(server.seen(), Not(HasSubstr("urn:xmpp:sm:3")));
}

TEST(ClientManagement, AServerThatInventsCountsIsLeft) {
  FakeServer server([](const xml::Element& e, int) -> std::string {
    return e.name() == "presence" ? ack(77) : "";
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_presence());
    const Error why = co_await client.closed();
    EXPECT_EQ(why.code, Errc::kMalformed);
    co_return 0;
  }(server.options()));
  EXPECT_TRUE(server.sees("handled-count-too-high"));
}

TEST(ClientManagement, RawBytesEndTheCounting) {
  FakeServer server([](const xml::Element& e, int connection) -> std::string {
    if (connection == 1 && e.name() == "presence") {
      return ack(55) + "<r xmlns='urn:xmpp:sm:3'/><message from='a.b'/>";
    }
    return {};
  });
  run([](ClientOptions options) -> Task<int> {
    Client client(std::move(options));
    OneShot<bool> came;
    client.on_message([&](const Message&) { came.set(true); });
    const auto connected = co_await client.connect();
    EXPECT_TRUE(connected);
    EXPECT_TRUE(client.send_raw("<presence/>"));
    co_await came;
    EXPECT_TRUE(client.is_connected());
    co_await client.disconnect();
    co_return 0;
  }(server.options()));
  EXPECT_THAT(server.seen(), HasSubstr("<a xmlns='urn:xmpp:sm:3' h='0'/>"));
}

}  // namespace
}  // namespace balcony::client::testing
