#include "gateway/mail/outbox.h"

#include "base/manual_loop.h"

#include <gmock/gmock.h>

#include <deque>

namespace balcony::gateway::mail {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = SubmissionOutcome::Kind;

struct FakeSubmitter final : Submitter {
  void submit(Envelope envelope, std::string mail, Done done) override {
    log.push_back(envelope.to.local() + ":" + mail);
    waiting.push_back(std::move(done));
  }
  void answer(SubmissionOutcome outcome) {
    Done done = std::move(waiting.front());
    waiting.pop_front();
    done(std::move(outcome));
  }
  std::vector<std::string> log;
  std::deque<Done> waiting;
};

struct OutboxTest : ::testing::Test {
  std::unique_ptr<Outbox> make(OutboxLimits limits = {}) {
    auto box = std::make_unique<Outbox>(
        loop, *database, submitter, limits, [this](const OutboxItem& item, const Error& why) {
          failed.push_back(item.stanza + " " + std::string(to_string(why.code)));
        });
    EXPECT_TRUE(box->open());
    loop.run();
    return box;
  }
  static OutboxItem item(std::string to, std::string mail) {
    OutboxItem one(
        Envelope(*MailAddress::parse("romeo@m.example"), *MailAddress::parse(to + "@c.example")),
        mail);
    one.user = "romeo@m.example/x";
    one.stanza = "id-" + mail;
    return one;
  }

  ManualLoop loop;
  std::unique_ptr<Database> database = Database::open(":memory:").value();
  FakeSubmitter submitter;
  std::vector<std::string> failed;
};

TEST_F(OutboxTest, OneAfterTheOtherToOneAddressAndBesideEachOtherElse) {
  const auto box = make();
  ASSERT_TRUE(box->add(item("juliet", "1")));
  ASSERT_TRUE(box->add(item("juliet", "2")));
  ASSERT_TRUE(box->add(item("nurse", "3")));
  EXPECT_THAT(submitter.log, ElementsAre("juliet:1", "nurse:3"));
  submitter.answer({Kind::kTaken, 250, ""});
  EXPECT_THAT(submitter.log, ElementsAre("juliet:1", "nurse:3", "juliet:2"));
  submitter.answer({Kind::kTaken, 250, ""});
  submitter.answer({Kind::kTaken, 250, ""});
  EXPECT_EQ(box->size(), 0U);
  EXPECT_THAT(failed, IsEmpty());
}

TEST_F(OutboxTest, WhatIsRefusedIsToldAndTheNextOneGoes) {
  const auto box = make();
  ASSERT_TRUE(box->add(item("juliet", "1")));
  ASSERT_TRUE(box->add(item("juliet", "2")));
  submitter.answer({Kind::kFinal, 550, "550 5.1.1 Unknown"});
  EXPECT_THAT(failed, ElementsAre("id-1 item-not-found"));
  EXPECT_THAT(submitter.log, ElementsAre("juliet:1", "juliet:2"));
}

TEST_F(OutboxTest, WhatPassesIsTriedAgainLaterAndLaterUntilItsTimeIsOver) {
  const auto box = make({.retry_for = 600s});
  ASSERT_TRUE(box->add(item("juliet", "1")));
  ASSERT_TRUE(box->add(item("juliet", "2")));
  std::vector<std::size_t> tries;
  for (int minute = 0; minute < 12; ++minute) {
    while (!submitter.waiting.empty()) submitter.answer({Kind::kPassing, 451, "451 4.0.0 Later"});
    tries.push_back(submitter.log.size());
    loop.advance(1min);
  }
  // After 1, 3, 7 and 15 minutes; the second mail stays behind the first.
  EXPECT_THAT(tries, ElementsAre(1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4));
  loop.advance(10min);
  submitter.answer({Kind::kPassing, 0, "no connection"});
  EXPECT_THAT(failed, ElementsAre("id-1 remote-server-timeout"));
  EXPECT_EQ(submitter.log.back(), "juliet:2");
}

TEST_F(OutboxTest, WhatWaitsIsThereAfterARestart) {
  auto box = make();
  ASSERT_TRUE(box->add(item("juliet", "1")));
  ASSERT_TRUE(box->add(item("juliet", "2")));
  box.reset();
  submitter.answer({Kind::kTaken, 250, ""});  // comes too late: nobody is there
  box = make();
  loop.advance(1s);
  EXPECT_EQ(box->size(), 2U);
  EXPECT_THAT(submitter.log, ElementsAre("juliet:1", "juliet:1"));
  submitter.answer({Kind::kTaken, 250, ""});
  submitter.answer({Kind::kTaken, 250, ""});
  EXPECT_EQ(box->size(), 0U);
}

TEST_F(OutboxTest, IsBounded) {
  const auto box = make({.mails = 2, .parallel = 1});
  ASSERT_TRUE(box->add(item("a", "1")));
  ASSERT_TRUE(box->add(item("b", "2")));
  EXPECT_EQ(box->add(item("c", "3")).error().code, Errc::kResourceConstraint);
  EXPECT_EQ(submitter.log.size(), 1U);
}

TEST(SubmissionError, SaysByTheReplyWhatIsWrong) {
  const std::vector<std::pair<std::string, Errc>> cases = {
      {"550 5.1.1 Unknown", Errc::kItemNotFound},
      {"550 Unknown", Errc::kItemNotFound},
      {"553 bad", Errc::kItemNotFound},
      {"550 5.1.2 No such host", Errc::kRemoteServerNotFound},
      {"550 5.4.4 No route", Errc::kRemoteServerNotFound},
      {"552 5.2.2 Full", Errc::kResourceConstraint},
      {"550 5.7.1 Spam", Errc::kForbidden},
      {"554 5.6.0 Odd", Errc::kNotAcceptable},
      {"554 no", Errc::kNotAcceptable},
  };
  for (const auto& [text, code] : cases) {
    EXPECT_EQ(error_of({Kind::kFinal, std::stoi(text), text}).code, code) << text;
  }
  EXPECT_EQ(error_of({Kind::kPassing, 451, "451 4.0.0"}).code, Errc::kRemoteServerTimeout);
}

}  // namespace
}  // namespace balcony::gateway::mail
