#include "router/asked.h"

#include "base/manual_loop.h"

#include <gtest/gtest.h>

namespace balcony::router {
namespace {

using std::chrono_literals::operator""s;

Jid jid(std::string_view text) {
  return *Jid::parse(text);
}

class AskedTest : public ::testing::Test {
 protected:
  Stanza request(std::string_view to = "peer.example") {
    Stanza iq(StanzaKind::kIq, StanzaType::kGet);
    iq.set_from(jid("localhost"));
    iq.set_to(jid(to));
    return iq;
  }
  Stanza answer(const Stanza& iq, std::string_view from = "peer.example",
                std::string_view to = "localhost") {
    Stanza reply(StanzaKind::kIq, StanzaType::kResult);
    reply.set_from(jid(from));
    reply.set_to(jid(to));
    reply.set_id(iq.id());
    return reply;
  }
  bool expect(Stanza& iq, std::string_view domain = "c.localhost") {
    return table
        .expect(iq, domain, 10s,
                [this](Result<Stanza> got) {
                  ++answers;
                  if (!got) failure = got.error().code;
                })
        .has_value();
  }

  ManualLoop loop;
  SeededRandom random{7};
  AskedTable table{loop, random};
  int answers = 0;
  std::optional<Errc> failure;
};

TEST_F(AskedTest, OnlyWhoWasAskedAnswersAndOnce) {
  Stanza iq = request();
  ASSERT_TRUE(expect(iq));
  EXPECT_GE(iq.id().size(), 16U) << "nobody guesses it";
  EXPECT_EQ(table.on_behalf_of(iq.id()), "c.localhost");
  EXPECT_EQ(table.on_behalf_of("other"), "");
  Stanza stranger = answer(iq, "evil.example");
  EXPECT_FALSE(table.answered(stranger));
  Stanza elsewhere = answer(iq, "peer.example", "romeo@localhost");
  EXPECT_FALSE(table.answered(elsewhere));
  Stanza question = request();
  question.set_id(iq.id());
  EXPECT_FALSE(table.answered(question));
  EXPECT_EQ(answers, 0);
  Stanza right = answer(iq);
  EXPECT_TRUE(table.answered(right));
  Stanza again = answer(iq);
  EXPECT_FALSE(table.answered(again));
  loop.advance(11s);
  EXPECT_EQ(answers, 1);
  EXPECT_FALSE(failure);
}

TEST_F(AskedTest, WithoutAnAnswerItEnds) {
  Stanza iq = request();
  ASSERT_TRUE(expect(iq));
  loop.advance(9s);
  EXPECT_EQ(answers, 0);
  loop.advance(2s);
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(failure, Errc::kRemoteServerTimeout);
}

TEST_F(AskedTest, APeerThatGoesAnswersNobody) {
  Stanza one = request();
  Stanza other = request("other.example");
  ASSERT_TRUE(expect(one));
  ASSERT_TRUE(expect(other));
  table.fail_all("peer.example", Error(Errc::kServiceUnavailable));
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(failure, Errc::kServiceUnavailable);
}

TEST_F(AskedTest, EachDomainHasItsLimit) {
  int count = 0;
  for (bool more = true; more; ++count) {
    Stanza iq = request();
    more = expect(iq);
    ASSERT_LT(count, 10'000);
  }
  EXPECT_EQ(count, 5'001);
  Stanza other = request();
  EXPECT_TRUE(expect(other, "d.localhost"));
  loop.advance(11s);
  EXPECT_EQ(answers, 5'001);
  Stanza later = request();
  EXPECT_TRUE(expect(later)) << "what has ended does not count";
}

}  // namespace
}  // namespace balcony::router
