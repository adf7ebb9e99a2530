#include "client/requests.h"

#include "base/manual_loop.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <gtest/gtest.h>

namespace balcony::client {
namespace {

using namespace std::chrono_literals;

std::optional<Jid> jid(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return Jid::parse(text).value();
}

const Jid kSelf = *Jid::parse("romeo@montague.example/orchard");

xml::Element iq(std::string_view type, std::string_view id, std::string_view from) {
  xml::Element element(ns::kClient, "iq");
  element.set("type", type).set("id", id);
  if (!from.empty()) element.set("from", from);
  return element;
}

// RFC 6120 §8.1.2.1, §10.3.3.
TEST(MayAnswer, WhoWasAsked) {
  struct Case {
    const char* to;
    const char* from;
    bool may;
  };
  const Case kCases[] = {
      {"", "", true},
      {"", "romeo@montague.example", true},
      {"", "romeo@montague.example/orchard", true},
      {"", "montague.example", true},
      {"", "romeo@montague.example/other", false},
      {"", "juliet@capulet.example", false},
      {"montague.example", "montague.example", true},
      {"montague.example", "", true},
      {"montague.example", "romeo@montague.example", false},
      {"romeo@montague.example", "", true},
      {"romeo@montague.example", "romeo@montague.example", true},
      {"juliet@capulet.example/b", "juliet@capulet.example/b", true},
      {"juliet@capulet.example/b", "juliet@capulet.example", false},
      {"juliet@capulet.example/b", "", false},
      {"juliet@capulet.example/b", "montague.example", false},
      {"juliet@capulet.example", "juliet@capulet.example/b", false},
      {"capulet.example", "", false},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(may_answer(jid(c.to), jid(c.from), kSelf), c.may) << c.to << " <- " << c.from;
  }
}

struct RequestTableTest : ::testing::Test {
  ManualLoop loop;
  RequestTable table;

  Task<> ask(std::string id, std::optional<Jid> to, std::optional<Result<xml::Element>>& out) {
    RequestTable::Pending pending(table, loop, std::move(id), std::move(to), 10s);
    out.emplace(co_await pending.answer);
  }
};

TEST_F(RequestTableTest, AnswersComeToWhoAsked) {
  std::optional<Result<xml::Element>> first, second;
  spawn(ask("1", jid("juliet@capulet.example"), first));
  spawn(ask("2", {}, second));
  EXPECT_FALSE(table.answered(iq("result", "1", "mallory@evil.example"), kSelf));
  EXPECT_FALSE(table.answered(iq("result", "1", "@"), kSelf));
  EXPECT_FALSE(table.answered(iq("result", "3", ""), kSelf));
  EXPECT_FALSE(first);
  xml::Element result = iq("result", "1", "juliet@capulet.example");
  result.append(ns::kPing, "ping");
  EXPECT_TRUE(table.answered(result, kSelf));
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE((*first)->is(ns::kPing, "ping"));
  EXPECT_FALSE(table.answered(result, kSelf)) << "once";
  EXPECT_TRUE(table.answered(iq("result", "2", ""), kSelf));
  ASSERT_TRUE(second && *second);
  EXPECT_FALSE(**second) << "no payload";
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(RequestTableTest, Errors) {
  std::optional<Result<xml::Element>> out;
  spawn(ask("1", {}, out));
  xml::Element request = iq("get", "1", "");
  EXPECT_TRUE(table.answered(error_reply(request, Error(Errc::kForbidden, "No.")), kSelf));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->error().code, Errc::kForbidden);
  EXPECT_EQ(out->error().detail, "No.");
  spawn(ask("2", {}, out));
  EXPECT_TRUE(table.answered(iq("error", "2", ""), kSelf));
  EXPECT_EQ(out->error().code, Errc::kUndefinedCondition);
}

TEST_F(RequestTableTest, TimesOutAndFailsTogether) {
  std::optional<Result<xml::Element>> first, second;
  spawn(ask("1", jid("juliet@capulet.example"), first));
  loop.advance(9s);
  spawn(ask("2", {}, second));
  EXPECT_FALSE(first);
  loop.advance(1s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->error().code, Errc::kTimeout);
  EXPECT_FALSE(second);
  table.fail_all(Error(Errc::kClosed));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->error().code, Errc::kClosed);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(RequestTableTest, WhoGoesAwayIsForgotten) {
  std::optional<Result<xml::Element>> out;
  {
    Task<> task = ask("1", {}, out);
    EXPECT_FALSE(task.start());
    EXPECT_TRUE(table.contains("1"));
  }
  EXPECT_FALSE(table.contains("1"));
  EXPECT_EQ(loop.timers(), 0u);
}

}  // namespace
}  // namespace balcony::client
