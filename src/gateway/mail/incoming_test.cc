// Both directions between a fake server and a fake submission server.
#include "gateway/mail/incoming.h"

#include "gateway/mail/fake_link.h"
#include "gateway/mail/outgoing.h"
#include "stanza/ns.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

namespace balcony::gateway::mail {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kFromJuliet = "juliet@capulet.example";
constexpr std::string_view kContact = "juliet\\40capulet.example@mail.montague.example";

struct KeepingSubmitter final : Submitter {
  void submit(Envelope, std::string mail, Done) override { mails.push_back(std::move(mail)); }
  std::vector<std::string> mails;
};

struct MailTest : ::testing::Test {
  MailTest() {
    EXPECT_TRUE(outbox.open());
    link.contacts.insert({"romeo@montague.example", std::string(kFromJuliet)});
  }

  std::vector<std::string> take(std::string_view mail, std::vector<std::string> to = {"romeo"},
                                std::optional<std::string> sender = std::string(kFromJuliet),
                                bool lmtp = true) {
    ReceivedMail received;
    if (sender) received.sender = *MailAddress::parse(*sender);
    for (const std::string& user : to) {
      received.recipients.push_back(*MailAddress::parse(user + "@montague.example"));
    }
    for (const char c : mail) {
      if (c == '\n') received.data += '\r';
      received.data += c;
    }
    received.lmtp = lmtp;
    auto task = incoming.take(std::move(received));
    EXPECT_TRUE(task.start());
    std::vector<std::string> said;
    for (const SmtpReply& reply : task.take()) said.push_back(reply.line().substr(0, 9));
    return said;
  }

  Result<> write(std::string_view body, std::string_view inner = {}, std::string_view id = "m1") {
    xml::Element xml(ns::kClient, "message");
    xml.set("id", id);
    if (!inner.empty()) xml.append("urn:xmpp:reply:0", "reply").set("id", inner);
    Message message{*Jid::parse("romeo@montague.example/orchard"),
                    "chat",
                    xml.attr("id"),
                    std::string(body),
                    "",
                    "",
                    xml};
    message.to = *Jid::parse(kContact);
    return outgoing.send(message, std::string(kFromJuliet));
  }

  std::string last_id() {
    const std::string& mail = submitter.mails.back();
    const std::size_t at = mail.find("Message-Id: <") + 13;
    return mail.substr(at, mail.find('>', at) - at);
  }

  FakeLink link;
  MailOptions options;
  KeepingSubmitter submitter;
  Threads threads = Threads::open(link.database(), 100).value();
  Outbox outbox{link.loop(),
                link.database(),
                submitter,
                {.parallel = 16},
                [](const OutboxItem&, const Error&) {}};
  Outgoing outgoing{link, threads, outbox, options};
  Incoming incoming{link, threads, outbox, options};
};

TEST_F(MailTest, TheVerdictIsTheServers) {
  const std::string mail = "From: juliet@capulet.example\nSubject: Hi\n\nHello\n";
  EXPECT_THAT(take(mail), ElementsAre("250 2.0.0"));
  EXPECT_THAT(link.sent.back(), HasSubstr("<body>Hi\n\nHello</body><subject>Hi</subject><thread>"));
  const std::vector<std::pair<Errc, std::string>> cases = {
      {Errc::kServiceUnavailable, "550 5.1.1"},
      {Errc::kResourceConstraint, "452 4.2.2"},
      {Errc::kForbidden, "550 5.7.1"},
      {Errc::kRemoteServerTimeout, "451 4.4.1"},
      {Errc::kInternalServerError, "451 4.3.0"}};
  for (const auto& [code, reply] : cases) {
    link.answer = fail(code);
    EXPECT_THAT(take(mail), ElementsAre(reply));
  }
}

TEST_F(MailTest, AServerThatIsGoneIsAskedOnce) {
  link.contacts.insert({"benvolio@montague.example", std::string(kFromJuliet)});
  link.answer = fail(Errc::kRemoteServerTimeout);
  EXPECT_THAT(take("From: juliet@capulet.example\n\nHi\n", {"romeo", "benvolio"}),
              ElementsAre("451 4.4.1", "451 4.4.1"));
  EXPECT_EQ(link.sent.size(), 1U);
  link.connected = false;
  EXPECT_EQ(incoming.check_recipient(*MailAddress::parse("romeo@montague.example")).code, 451);
}

TEST_F(MailTest, WhatCameBeforeIsTakenAndNotSaidTwice) {
  const std::string mail = "From: juliet@capulet.example\nMessage-ID: <1@c>\n\nHello\n";
  EXPECT_THAT(take(mail), ElementsAre("250 2.0.0"));
  EXPECT_THAT(take(mail), ElementsAre("250 2.0.0"));
  EXPECT_EQ(link.sent.size(), 1U);
}

TEST_F(MailTest, ThreadsGoThereAndBack) {
  ASSERT_TRUE(write("But soft!", "", "m1"));
  const std::string id = last_id();
  take("From: juliet@capulet.example\nMessage-ID: <2@c>\nIn-Reply-To: <" + id +
       ">\nSubject: Re: x\n"
       "\nAy me!\n");
  EXPECT_THAT(link.sent.back(), HasSubstr("<reply xmlns='urn:xmpp:reply:0' "
                                          "to='romeo@montague.example' id='m1'/>"));
  EXPECT_THAT(link.sent.back(), HasSubstr("<body>Ay me!</body>"));
  ASSERT_TRUE(write("She speaks", "", "m2"));
  EXPECT_THAT(submitter.mails, testing::SizeIs(1)) << "one after the other";
  // A reply to an older message answers that one.
  const auto second = threads.by_stanza("romeo@montague.example", kFromJuliet, "m2");
  ASSERT_TRUE(second);
  EXPECT_THAT(second->references, ElementsAre(id, "2@c"));
  ASSERT_TRUE(write("What's in a name?", "m1", "m3"));
  EXPECT_THAT(threads.by_stanza("romeo@montague.example", kFromJuliet, "m3")->references,
              ElementsAre(id));
  // After a day without a word, a new one begins.
  link.manual_loop.manual_clock().advance(25h);
  ASSERT_TRUE(write("Good morrow", "", "m4"));
  EXPECT_THAT(threads.by_stanza("romeo@montague.example", kFromJuliet, "m4")->references,
              IsEmpty());
}

TEST_F(MailTest, AReportIsAnErrorAndWhenItIsLateAMessageToo) {
  ASSERT_TRUE(write("Hi", "", "m1"));
  const std::string bounce =
      "From: daemon@capulet.example\nContent-Type: multipart/report; "
      "boundary=b\n\n--b\nContent-Type: "
      "message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; " +
      std::string(kFromJuliet) +
      "\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; full\n--b\nContent-Type: "
      "text/rfc822-headers\n\nMessage-ID: <" +
      last_id() + ">\n\n--b--\n";
  EXPECT_THAT(take(bounce, {"romeo"}, std::nullopt), ElementsAre("250 2.0.0"));
  ASSERT_EQ(link.sent.size(), 1U);
  EXPECT_THAT(link.sent[0], HasSubstr("type='error'"));
  EXPECT_THAT(link.sent[0], HasSubstr("to='romeo@montague.example/orchard' id='m1'"));
  EXPECT_THAT(link.sent[0], HasSubstr("<resource-constraint "));
  link.manual_loop.manual_clock().advance(10min);
  take(bounce, {"romeo"}, std::nullopt);
  ASSERT_EQ(link.sent.size(), 3U);
  EXPECT_THAT(link.sent[2], HasSubstr("was not delivered: "));
  // Nobody else's report, and none about somebody else's mail.
  take(bounce, {"benvolio"}, std::nullopt);
  EXPECT_EQ(link.sent.size(), 3U);
}

TEST_F(MailTest, ByAnyoneAndByWhomOneHasWrittenTo) {
  const std::string mail = "From: nurse@capulet.example\n\nHi\n";
  EXPECT_THAT(take(mail), ElementsAre("550 5.7.1"));
  options.who_may_write = "users";
  EXPECT_THAT(take(mail), ElementsAre("550 5.7.1"));
  EXPECT_THAT(take("From: juliet@capulet.example\n\nHi\n"), ElementsAre("250 2.0.0"));
  link.contacts.clear();
  EXPECT_THAT(take("From: juliet@capulet.example\n\nHi\n"), ElementsAre("550 5.7.1"));
  ASSERT_TRUE(write("Hi"));
  EXPECT_THAT(take("From: juliet@capulet.example\n\nHi\n"), ElementsAre("250 2.0.0"));
  options.who_may_write = "anyone";
  EXPECT_THAT(take(mail), ElementsAre("250 2.0.0"));
  link.allowed = 0;
  EXPECT_THAT(take(mail), ElementsAre("450 4.2.1"));
}

TEST_F(MailTest, WhatIsNotTaken) {
  options.attachments = "refuse";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Subject: no sender\n\nx\n", "554 5.6.0"},
      {"From: mercutio@montague.example\n\nx\n", "550 5.7.1"},
      {"From: juliet@capulet.example\nAuto-Submitted: auto-generated\n\nx\n", "550 5.7.1"},
      {"From: juliet@capulet.example\nContent-Type: image/png\n\nx\n", "554 5.6.1"},
  };
  for (const auto& [mail, reply] : cases) {
    EXPECT_THAT(take(mail, {"romeo"}, std::nullopt), ElementsAre(reply)) << mail;
  }
  EXPECT_THAT(link.sent, IsEmpty());
  options.automatic = true;
  EXPECT_THAT(take(cases[2].first), ElementsAre("250 2.0.0"));
}

TEST_F(MailTest, BySmtpOneNoticeTellsOfAllWhoDidNotGetIt) {
  take("From: juliet@capulet.example\nMessage-ID: <1@c>\n\nHi\n", {"romeo", "a", "b"},
       std::string(kFromJuliet), false);
  ASSERT_EQ(submitter.mails.size(), 1U);
  const auto notice = parse_mail(submitter.mails.back());
  ASSERT_TRUE(notice && notice->report);
  EXPECT_EQ(notice->report->recipients.size(), 2U);
  EXPECT_EQ(notice->report->message_id, "1@c");
  // Never by LMTP, never to the null path, never when nobody got it.
  take("From: juliet@capulet.example\n\nHi\n", {"romeo", "a"});
  take("From: juliet@capulet.example\n\nHi\n", {"romeo", "a"}, std::nullopt, false);
  take("From: juliet@capulet.example\n\nHi\n", {"a"}, std::string(kFromJuliet), false);
  EXPECT_EQ(outbox.size(), 1U);
}

TEST_F(MailTest, ALongTextOfMarkupStaysBelowTheServersLimit) {
  EXPECT_THAT(take("From: juliet@capulet.example\n\n" + std::string(900, '&') + "\n"),
              ElementsAre("250 2.0.0"));
  std::string mail = "From: juliet@capulet.example\n\n";
  for (int i = 0; i < 1'000; ++i) mail += std::string(900, '&') + "\n";
  options.text_in = Bytes{80 * 1024};  // as much as the option allows
  EXPECT_THAT(take(mail), ElementsAre("250 2.0.0"));
  EXPECT_LT(link.sent.back().size(), 500'000U);
}

TEST_F(MailTest, ATextThatIsTooLongDoesNotGoOut) {
  EXPECT_EQ(write(std::string(70'000, 'x')).error().code, Errc::kNotAcceptable);
  EXPECT_THAT(submitter.mails, IsEmpty());
}

// Saved once for all who get the mail, and taken away again when nobody does.
TEST_F(MailTest, AttachmentsAreSavedWithTheMail) {
  std::string base = (std::filesystem::temp_directory_path() / "incoming-XXXXXX").string();
  base = ::mkdtemp(base.data());
  const auto files = [&base] {
    return std::distance(std::filesystem::directory_iterator(base), {});
  };
  auto store = AttachmentStore::open(base, 25, link.seeded).value();
  Incoming saving(link, threads, outbox, options, &store);
  link.contacts.insert({"benvolio@montague.example", std::string(kFromJuliet)});
  const auto take_by = [&](std::string_view text) {
    ReceivedMail received;
    received.sender = *MailAddress::parse(kFromJuliet);
    for (const char* user : {"romeo", "benvolio", "stranger"}) {
      received.recipients.push_back(*MailAddress::parse(user + std::string("@montague.example")));
    }
    received.data =
        "From: juliet@capulet.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\n\r\nHi\r\n--b\r\nContent-Type: image/png; name=\"../rose.png\"\r\n"
        "Content-Disposition: attachment\r\n\r\n" +
        std::string(text) + "\r\n--b--\r\n";
    received.lmtp = true;
    auto task = saving.take(std::move(received));
    EXPECT_TRUE(task.start());
    std::vector<int> codes;
    for (const SmtpReply& reply : task.take()) codes.push_back(reply.code);
    return codes;
  };
  EXPECT_THAT(take_by("a rose"), ElementsAre(250, 250, 550));
  EXPECT_EQ(files(), 1);
  EXPECT_THAT(link.sent.back(), HasSubstr("[Attachment, saved as "));
  EXPECT_THAT(link.sent.back(), HasSubstr("-.._rose.png: ../rose.png, image/png, 6 bytes]"));
  link.answer = fail(Errc::kRemoteServerTimeout);
  EXPECT_THAT(take_by("a rose"), ElementsAre(451, 451, 451));
  EXPECT_EQ(files(), 1);
  link.answer = {};
  EXPECT_THAT(take_by(std::string(20, 'x')), ElementsAre(452, 452, 550));
  EXPECT_EQ(files(), 1);
  std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace balcony::gateway::mail
