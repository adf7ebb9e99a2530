// XEP-0077: the dialogues of users and strangers, with one and with two shards.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::expect_received;
using testing::received_error;
using testing::TestClient;
using testing::World;

std::string register_iq(std::string_view type, std::string_view content, std::string_view to = "") {
  return "<iq type='" + std::string(type) + "' id='r'" + std::string(to) +
         "><query xmlns='jabber:iq:register'>" + std::string(content) + "</query></iq>";
}

std::string credentials(std::string_view username, std::string_view password) {
  return "<username>" + std::string(username) + "</username><password>" + std::string(password) +
         "</password>";
}

class RegisterTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  World world{{&rfc_6121_roster, &rfc_6121_subscription, &rfc_6121_presence, &xep_0049_private,
               &xep_0077_register},
              GetParam()};

  // The condition of the answer to a stranger; "result" for a result.
  std::string stranger(std::string_view content, std::string_view type = "set",
                       std::string_view address = "192.0.2.1") {
    const xml::Element answer = world.stranger(register_iq(type, content), address);
    if (answer.attr("type") == "result") return "result";
    return std::string(answer.child(ns::kClient, "error").first_child().name());
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, RegisterTest, ::testing::Values(1, 2));

constexpr const char* kServer = " to='localhost'";

// ---- users

TEST_P(RegisterTest, AUserLearnsThatHeIsRegistered) {
  TestClient& bill = world.login("bill@localhost/globe");
  bill.send(register_iq("get", "", kServer));
  expect_received(bill, {"<iq type='result' id='r' from='localhost' to='bill@localhost/globe'>"
                         "<query xmlns='jabber:iq:register'><registered/>"
                         "<username>bill</username><password/></query></iq>"});
}

// §3.3
TEST_P(RegisterTest, PasswordChange) {
  TestClient& bill = world.login("bill@localhost/globe");
  bill.send(register_iq("set", credentials("bill", "newpass"), kServer));
  expect_received(bill, {"<iq type='result' id='r' from='localhost' to='bill@localhost/globe'/>"});
  EXPECT_EQ(world.passwords.at("bill@localhost"), "newpass");
  // The name is prepared before it is compared; the request may be for the account.
  bill.send(register_iq("set", credentials("BILL", "newer")));
  expect_received(bill, {"<iq type='result' id='r' to='bill@localhost/globe'/>"});
  EXPECT_EQ(world.passwords.at("bill@localhost"), "newer");
}

TEST_P(RegisterTest, PasswordChangesThatAreRefused) {
  TestClient& bill = world.login("bill@localhost/globe");
  world.account("will@localhost");
  const std::pair<std::string, const char*> wrong[] = {
      {credentials("bill", ""), "bad-request"},
      {credentials("", "newpass"), "bad-request"},
      {"<password>newpass</password>", "bad-request"},
      {"<username>bill</username>", "bad-request"},
      {"", "bad-request"},
      {credentials("will", "newpass"), "not-allowed"},
      {credentials("nobody", "newpass"), "not-allowed"},
      {credentials("bill@localhost", "newpass"), "not-allowed"},
      {credentials("bill", "refused"), "not-acceptable"},
  };
  for (const auto& [content, condition] : wrong) {
    bill.send(register_iq("set", content, kServer));
    const std::string answer = bill.received();
    EXPECT_NE(answer.find("<" + std::string(condition)), std::string::npos) << content << answer;
    // §3.3: the error does not repeat what was sent.
    EXPECT_EQ(answer.find("newpass"), std::string::npos);
  }
  EXPECT_TRUE(world.passwords.empty());
}

TEST_P(RegisterTest, OnlyTheOwnAccount) {
  TestClient& bill = world.login("bill@localhost/globe");
  TestClient& will = world.login("will@localhost/globe");
  for (const std::string& content : {credentials("will", "stolen"), std::string("<remove/>")}) {
    bill.send(register_iq("set", content, " to='will@localhost'"));
    EXPECT_EQ(received_error(bill), "service-unavailable");
  }
  EXPECT_FALSE(will.closed());
  // Nor on another host, where somebody else may have the name.
  world.add_host("elsewhere");
  world.account("bill@elsewhere");
  for (const std::string& content : {credentials("bill", "stolen"), std::string("<remove/>")}) {
    bill.send(register_iq("set", content, " to='elsewhere'"));
    EXPECT_EQ(received_error(bill), "registration-required");
  }
  EXPECT_TRUE(world.passwords.empty());
  world.login("bill@elsewhere/globe");
}

// §3.2: the result, then the end of all sessions, and nothing is left.
TEST_P(RegisterTest, Removal) {
  for (const char* to : {kServer, ""}) {
    TestClient& bill = world.login_available("bill@localhost/globe");
    TestClient& other = world.login_available("bill@localhost/rose");
    TestClient& friendly = world.login_available("anne@localhost/home");
    bill.send(
        "<iq type='set' id='p'><query xmlns='jabber:iq:private'><a xmlns='b:c'>secret</a>"
        "</query></iq>");
    friendly.send("<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>");
    friendly.send("<presence type='subscribe' to='bill@localhost'/>");
    bill.send("<presence type='subscribed' to='anne@localhost'/>");
    for (TestClient* client : {&bill, &other, &friendly}) client->clear();

    bill.send(register_iq("set", "<remove/>", to));
    const xml::Element result = bill.received_element();
    EXPECT_EQ(result.attr("id"), "r");
    EXPECT_EQ(result.attr("type"), "result");
    EXPECT_EQ(bill.waiting(), 0U);
    for (const TestClient* client : {&bill, &other}) {
      ASSERT_TRUE(client->closed());
      EXPECT_EQ(client->closed()->condition, StreamCondition::kNotAuthorized);
    }
    EXPECT_NE(friendly.received_all().find("type='unsubscribed'"), std::string::npos);
    friendly.send("<message to='bill@localhost' type='chat'><body>still there?</body></message>");
    EXPECT_EQ(received_error(friendly), "service-unavailable");

    // Whoever has the name next finds nothing.
    TestClient& heir = world.login("bill@localhost/globe");
    heir.send(
        "<iq type='get' id='p'><query xmlns='jabber:iq:private'><a xmlns='b:c'/></query>"
        "</iq>");
    EXPECT_EQ(heir.received().find("secret"), std::string::npos);
    heir.disconnect();
    friendly.disconnect();
  }
}

TEST_P(RegisterTest, RemovalsThatAreRefused) {
  TestClient& bill = world.login("bill@localhost/globe");
  bill.send(register_iq("set", "<remove/>" + credentials("bill", "x"), kServer));
  EXPECT_EQ(received_error(bill), "bad-request");
  bill.send(register_iq("set", credentials("bill", "x") + "<remove/>", kServer));
  EXPECT_EQ(received_error(bill), "bad-request");
  world.set("register", "remove", false);
  bill.send(register_iq("set", "<remove/>", kServer));
  EXPECT_EQ(received_error(bill), "not-allowed");
  EXPECT_FALSE(bill.closed());
  EXPECT_TRUE(world.passwords.empty());
}

// An account that could not be erased is as it was, and what came meanwhile arrives.
TEST_P(RegisterTest, ARemovalThatFails) {
  TestClient& bill = world.login_available("bill@localhost/globe");
  world.fail_commits = Error(Errc::kDiskFull);
  bill.send(register_iq("set", "<remove/>", kServer));
  world.fail_commits.reset();
  EXPECT_EQ(received_error(bill), "resource-constraint");
  EXPECT_FALSE(bill.closed());
  TestClient& anne = world.login("anne@localhost/home");
  anne.send("<message to='bill@localhost/globe'><body>hi</body></message>");
  EXPECT_NE(bill.received().find("<body>hi</body>"), std::string::npos);
}

// ---- strangers

TEST_P(RegisterTest, ClosedUnlessOpened) {
  EXPECT_EQ(stranger(credentials("bill", "Calliope")), "service-unavailable");
  EXPECT_EQ(stranger("", "get"), "service-unavailable");
}

// §3.1
TEST_P(RegisterTest, Registration) {
  world.set("register", "open", true);
  const xml::Element form = world.stranger(register_iq("get", "", kServer));
  EXPECT_EQ(xml::to_string(form),
            "<iq xmlns='jabber:client' from='localhost' id='r' type='result'>"
            "<query xmlns='jabber:iq:register'>"
            "<instructions>Choose a username and a password.</instructions>"
            "<username/><password/></query></iq>");
  EXPECT_EQ(stranger(credentials("Bill", "Calliope")), "result");
  EXPECT_EQ(world.passwords.at("bill@localhost"), "Calliope");
  EXPECT_EQ(stranger(credentials("bill", "m1cro$oft")), "conflict");
  EXPECT_EQ(stranger(credentials("BILL", "m1cro$oft")), "conflict");
  EXPECT_EQ(world.passwords.at("bill@localhost"), "Calliope");
}

TEST_P(RegisterTest, RegistrationsThatAreRefused) {
  world.set("register", "open", true);
  world.set("register", "per_hour", std::int64_t{100});
  for (const std::string& content :
       {std::string(), credentials("bill", ""), credentials("", "Calliope"),
        std::string("<username>bill</username>"), std::string("<password>Calliope</password>"),
        credentials("bi ll", "Calliope"), credentials("bill@localhost", "Calliope"),
        credentials("bill/globe", "Calliope"), credentials(std::string(1024, 'a'), "Calliope"),
        credentials("bill", "refused")}) {
    EXPECT_EQ(stranger(content), "not-acceptable") << content.substr(0, 80);
  }
  EXPECT_EQ(stranger("<remove/>"), "unexpected-request");
  for (const char* name : {"admin", "Admin", "postmaster"}) {
    EXPECT_EQ(stranger(credentials(name, "Calliope")), "conflict") << name;
  }
  EXPECT_TRUE(world.passwords.empty());
}

TEST_P(RegisterTest, EachAddressHasALimit) {
  world.set("register", "open", true);
  world.set("register", "per_hour", std::int64_t{2});
  EXPECT_EQ(stranger(credentials("a", "p")), "result");
  // Also who only looks for names that are taken.
  EXPECT_EQ(stranger(credentials("a", "p")), "conflict");
  EXPECT_EQ(stranger(credentials("b", "p")), "resource-constraint");
  EXPECT_EQ(stranger(credentials("a", "p")), "resource-constraint");
  EXPECT_EQ(stranger("", "get"), "result");
  // A reload forgets nothing.
  world.set("register", "per_hour", std::int64_t{2});
  EXPECT_EQ(stranger(credentials("b", "p")), "resource-constraint");
  EXPECT_EQ(stranger(credentials("b", "p"), "set", "192.0.2.2"), "result");
  world.advance(std::chrono::hours(1));
  EXPECT_EQ(stranger(credentials("c", "p")), "result");
}

// A stranger reaches nothing else, and a user not the stranger's form.
TEST_P(RegisterTest, TheTwoDoNotMix) {
  world.set("register", "open", true);
  const xml::Element answer = world.stranger(
      "<iq type='get' id='p'><query xmlns='jabber:iq:private'><a xmlns='b:c'/></query></iq>");
  EXPECT_EQ(answer.attr("type"), "error");
  TestClient& bill = world.login("bill@localhost/globe");
  bill.send(register_iq("set", credentials("anne", "p"), kServer));
  EXPECT_EQ(received_error(bill), "not-allowed");
  EXPECT_TRUE(world.passwords.empty());
}

}  // namespace
}  // namespace balcony::modules
