// XEP-0049: storing, reading, limits, and nobody else's.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::modules {
namespace {

using testing::received_error;
using testing::TestClient;
using testing::World;

std::string priv(std::string_view type, std::string_view content, std::string_view to = "") {
  return "<iq type='" + std::string(type) + "' id='x'" + std::string(to) +
         "><query xmlns='jabber:iq:private'>" + std::string(content) + "</query></iq>";
}

class PrivateTest : public ::testing::Test {
 protected:
  World world{{&xep_0049_private}};
  TestClient& hamlet = world.login("hamlet@localhost/denmark");

  // The answer to `content`: what the result holds, or the condition of the error.
  std::string ask(std::string_view type, std::string_view content) {
    hamlet.send(priv(type, content));
    const xml::Element iq = hamlet.received_element();
    EXPECT_EQ(hamlet.waiting(), 0U);
    if (iq.attr("type") != "result") {
      return std::string(iq.child(ns::kClient, "error").first_child().name());
    }
    const xml::ElementView query = iq.child(ns::kPrivate, "query");
    return query ? xml::to_string(query.first_child()) : "result";
  }
};

constexpr const char* kPrefs =
    "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>";

TEST_F(PrivateTest, WhatIsStoredIsReadAgain) {
  EXPECT_EQ(ask("get", "<exodus xmlns='exodus:prefs'/>"), "<exodus xmlns='exodus:prefs'/>");
  EXPECT_EQ(ask("set", kPrefs), "result");
  EXPECT_EQ(ask("get", "<exodus xmlns='exodus:prefs'/>"), kPrefs);
  // Another session, another element, another namespace.
  EXPECT_EQ(ask("get", "<exodus xmlns='other'/>"), "<exodus xmlns='other'/>");
  EXPECT_EQ(ask("set", "<exodus xmlns='exodus:prefs'/>"), "result");
  EXPECT_EQ(ask("get", "<exodus xmlns='exodus:prefs'/>"), "<exodus xmlns='exodus:prefs'/>");
}

// §2.3 and §3
TEST_F(PrivateTest, WrongRequests) {
  EXPECT_EQ(ask("get", ""), "bad-request");
  EXPECT_EQ(ask("set", ""), "not-acceptable");
  EXPECT_EQ(ask("set", "<a xmlns='a'/><b xmlns='b'/>"), "bad-request");
  EXPECT_EQ(ask("set", "<a/>"), "not-acceptable");
  EXPECT_EQ(ask("get", "<a xmlns='jabber:client'/>"), "not-acceptable");
}

TEST_F(PrivateTest, NobodyElses) {
  TestClient& macbeth = world.login("macbeth@localhost/scotland");
  EXPECT_EQ(ask("set", kPrefs), "result");
  for (const char* type : {"get", "set"}) {
    macbeth.send(priv(type, kPrefs, " to='hamlet@localhost'"));
    EXPECT_EQ(received_error(macbeth), "service-unavailable");
  }
  macbeth.send(priv("get", "<exodus xmlns='exodus:prefs'/>"));
  EXPECT_EQ(macbeth.received().find("Hamlet"), std::string::npos);
}

TEST_F(PrivateTest, Limits) {
  world.set("private", "elements_max", std::int64_t{2});
  world.set("private", "size_max", std::int64_t{1024});
  EXPECT_EQ(ask("set", "<a xmlns='1'/>"), "result");
  EXPECT_EQ(ask("set", "<a xmlns='2'/>"), "result");
  EXPECT_EQ(ask("set", "<a xmlns='3'/>"), "resource-constraint");
  EXPECT_EQ(ask("set", "<a xmlns='2'>new</a>"), "result");
  EXPECT_EQ(ask("get", "<a xmlns='2'/>"), "<a xmlns='2'>new</a>");
  EXPECT_EQ(ask("set", "<a xmlns='2'>" + std::string(1024, 'x') + "</a>"), "not-acceptable");
}

TEST_F(PrivateTest, AFailedCommitIsAnError) {
  world.fail_commits = Error(Errc::kIo, "the secret path");
  EXPECT_EQ(ask("set", kPrefs), "internal-server-error");
  world.fail_commits.reset();
  EXPECT_EQ(ask("get", "<exodus xmlns='exodus:prefs'/>"), "<exodus xmlns='exodus:prefs'/>");
}

}  // namespace
}  // namespace balcony::modules
