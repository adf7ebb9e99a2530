#include "gateway/mail/smtp_receiver.h"

#include <gmock/gmock.h>

namespace balcony::gateway::mail {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

SmtpReply takes_capulets(const MailAddress& recipient) {
  if (recipient.domain() == "capulet.example") return SmtpReply(250, "2.1.5 OK");
  return SmtpReply(550, "5.7.1 No mail goes there from here");
}

SmtpReceiver receiver(SmtpLimits limits = {}) {
  return SmtpReceiver("mail.capulet.example", limits, takes_capulets);
}

std::string say(SmtpReceiver& machine, std::string_view bytes) {
  return machine.on_bytes(bytes).write;
}

constexpr std::string_view kBegin =
    "EHLO montague.example\r\nMAIL FROM:<romeo@montague.example>\r\n"
    "RCPT TO:<juliet@capulet.example>\r\nDATA\r\n";

TEST(SmtpReceiver, TakesAMail) {
  SmtpReceiver machine = receiver();
  EXPECT_EQ(machine.greeting(), "220 mail.capulet.example ESMTP Balcony\r\n");
  EXPECT_EQ(say(machine, "EHLO montague.example\r\n"),
            "250-mail.capulet.example\r\n250-PIPELINING\r\n250-SIZE 5242880\r\n250-8BITMIME\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n");
  EXPECT_EQ(say(machine, "MAIL FROM:<romeo@montague.example> SIZE=100 BODY=8BITMIME\r\n"),
            "250 2.1.0 OK\r\n");
  EXPECT_EQ(say(machine, "RCPT TO:<juliet@capulet.example>\r\n"), "250 2.1.5 OK\r\n");
  EXPECT_THAT(say(machine, "DATA\r\n"), StartsWith("354 "));
  const SmtpActions actions = machine.on_bytes("Subject: Hi\r\n\r\n..dots\r\n.a\r\n.\r\n");
  ASSERT_TRUE(actions.mail);
  EXPECT_EQ(actions.write, "");
  EXPECT_EQ(actions.mail->sender->str(), "romeo@montague.example");
  EXPECT_EQ(actions.mail->recipients.front().str(), "juliet@capulet.example");
  EXPECT_EQ(actions.mail->data, "Subject: Hi\r\n\r\n.dots\r\na\r\n");
  EXPECT_FALSE(actions.mail->lmtp);
  EXPECT_EQ(machine.on_verdicts({SmtpReply(250, "2.0.0 Taken")}).write, "250 2.0.0 Taken\r\n");
  const SmtpActions end = machine.on_bytes("QUIT\r\n");
  EXPECT_EQ(end.write, "221 2.0.0 Good bye\r\n");
  EXPECT_TRUE(end.close);
}

TEST(SmtpReceiver, IsTheSameHoweverTheBytesAreCut) {
  const std::string all = std::string(kBegin) + "Subject: Hi\r\n\r\nHello\r\n.\r\n";
  SmtpReceiver machine = receiver();
  std::string written;
  std::optional<ReceivedMail> mail;
  for (const char c : all) {
    SmtpActions actions = machine.on_bytes(std::string_view(&c, 1));
    written += actions.write;
    if (actions.mail) mail = std::move(actions.mail);
  }
  SmtpReceiver other = receiver();
  SmtpActions at_once = other.on_bytes(all);
  ASSERT_TRUE(mail);
  ASSERT_TRUE(at_once.mail);
  EXPECT_EQ(written, at_once.write);
  EXPECT_EQ(mail->data, at_once.mail->data);
  EXPECT_EQ(mail->data, "Subject: Hi\r\n\r\nHello\r\n");
}

TEST(SmtpReceiver, WhatIsPipelinedBehindAMailWaitsForItsVerdict) {
  SmtpReceiver machine = receiver();
  const SmtpActions actions = machine.on_bytes(
      std::string(kBegin) + "\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<nurse@capulet.example>\r\nQUIT\r\n");
  ASSERT_TRUE(actions.mail);
  EXPECT_TRUE(machine.waits_for_verdicts());
  const SmtpActions after = machine.on_verdicts({SmtpReply(451, "4.4.1 Later")});
  EXPECT_EQ(after.write,
            "451 4.4.1 Later\r\n250 2.1.0 OK\r\n250 2.1.5 OK\r\n221 2.0.0 Good bye\r\n");
  EXPECT_TRUE(after.close);
}

TEST(SmtpReceiver, LmtpAnswersForEachRecipient) {
  SmtpReceiver machine = receiver();
  EXPECT_THAT(say(machine, "LHLO montague.example\r\n"), StartsWith("250-"));
  EXPECT_EQ(say(machine, "EHLO montague.example\r\n").substr(0, 3), "500");
  const SmtpActions actions = machine.on_bytes(
      "MAIL FROM:<a@b.example>\r\nRCPT TO:<juliet@capulet.example>\r\nRCPT "
      "TO:<paris@verona.example>\r\nRCPT TO:<nurse@capulet.example>\r\nDATA\r\n\r\n.\r\n");
  ASSERT_TRUE(actions.mail);
  EXPECT_TRUE(actions.mail->lmtp);
  EXPECT_THAT(actions.write, HasSubstr("\r\n550 5.7.1 "));
  ASSERT_EQ(actions.mail->recipients.size(), 2U);
  EXPECT_EQ(machine.on_verdicts({SmtpReply(250, "2.0.0 A"), SmtpReply(550, "5.1.1 B")}).write,
            "250 2.0.0 A\r\n550 5.1.1 B\r\n");
}

TEST(SmtpReceiver, SmtpHasOneAnswerForAll) {
  const SmtpReply good(250, "2.0.0 G");
  const SmtpReply later(451, "4.0.0 L");
  const SmtpReply never(550, "5.0.0 N");
  const std::vector<std::pair<std::vector<SmtpReply>, std::string>> cases = {
      {{good, never}, "250 2.0.0 G\r\n"},
      {{never, good}, "250 2.0.0 G\r\n"},
      {{never, later}, "451 4.0.0 L\r\n"},
      {{never, never}, "550 5.0.0 N\r\n"}};
  for (const auto& [verdicts, reply] : cases) {
    SmtpReceiver machine = receiver();
    const SmtpActions actions = machine.on_bytes(
        "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@capulet.example>\r\nRCPT TO:<b@capulet.example>\r\n"
        "DATA\r\n.\r\n");
    ASSERT_TRUE(actions.mail);
    EXPECT_EQ(machine.on_verdicts(verdicts).write, reply);
  }
}

// Each line, to a machine that has been greeted, and how the answer begins.
TEST(SmtpReceiver, AnswersEachCommandAsItShould) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"NOOP", "250 "},
      {"noop what ever", "250 "},
      {"VRFY juliet", "252 "},
      {"EXPN juliet", "502 "},
      {"HELP", "214 "},
      {"STARTTLS", "502 "},
      {"AUTH PLAIN", "502 "},
      {"BDAT 5 LAST", "502 "},
      {"RSET", "250 "},
      {"RSET now", "501 "},
      {"", "502 "},
      {"EHLO", "501 "},
      {"HELO x", "250 mail.capulet.example\r\n"},
      {"LHLO x", "500 "},
      {"DATA", "503 "},
      {"DATA x", "501 "},
      {"RCPT TO:<a@capulet.example>", "503 "},
      {"MAIL FROM:<>", "250 "},
      {"mail from:<a@b.example>", "250 "},
      {"MAIL FROM: <a@b.example>", "250 "},
      {"MAIL FROM:<@x.example,@y.example:a@b.example>", "250 "},
      {"MAIL FROM:<a@b.example> SIZE=5242881", "552 "},
      {"MAIL FROM:<a@b.example> SIZE=", "555 "},
      {"MAIL FROM:<a@b.example> SIZE=99999999999999999999", "555 "},
      {"MAIL FROM:<a@b.example> RET=FULL", "555 "},
      {"MAIL FROM:<a@b.example> BODY=BINARYMIME", "555 "},
      {"MAIL FROM:<a@b.example>SIZE=1", "501 "},
      {"MAIL FROM:a@b.example", "501 "},
      {"MAIL FROM:<a@b.example", "501 "},
      {"MAIL TO:<a@b.example>", "501 "},
      {"MAIL", "501 "},
      {"MAIL FROM:<a>", "553 "},
      {"MAIL FROM:<\"a>b\"@b.example>", "250 "},
      {"MAIL FROM:<j\xc3\xbcrgen@b.example>", "553 "},
      {"MAIL FROM:<j\xc3\xbcrgen@b.example> SMTPUTF8", "250 "},
  };
  for (const auto& [line, reply] : cases) {
    SmtpReceiver machine = receiver();
    (void)say(machine, "EHLO a\r\n");
    EXPECT_THAT(say(machine, line + "\r\n"), StartsWith(reply)) << line;
  }
}

TEST(SmtpReceiver, GreetingComesFirstAndMailOnceATime) {
  SmtpReceiver machine = receiver();
  EXPECT_THAT(say(machine, "MAIL FROM:<>\r\n"), StartsWith("503 "));
  EXPECT_THAT(say(machine, "HELO a\r\n"), StartsWith("250 "));
  EXPECT_THAT(say(machine, "MAIL FROM:<>\r\n"), StartsWith("250 "));
  EXPECT_THAT(say(machine, "MAIL FROM:<>\r\n"), StartsWith("503 "));
  EXPECT_THAT(say(machine, "DATA\r\n"), StartsWith("554 "));
  EXPECT_THAT(say(machine, "RCPT TO:<j\xc3\xbc@capulet.example>\r\n"), StartsWith("553 "));
  EXPECT_THAT(say(machine, "RCPT TO:<postmaster>\r\n"), StartsWith("553 "));
  EXPECT_THAT(say(machine, "RCPT TO:<a@capulet.example> X=1\r\n"), StartsWith("555 "));
  // A new greeting forgets the mail that had begun.
  EXPECT_THAT(say(machine, "RCPT TO:<a@capulet.example>\r\nHELO a\r\nDATA\r\n"),
              testing::EndsWith("503 5.5.1 MAIL comes first\r\n"));
}

// What one server takes for the end of a mail and another does not: whoever sends it is not heard
// any further, and nothing behind it is a command.
TEST(SmtpReceiver, NoMailIsSmuggledInAnother) {
  for (const std::string_view end :
       {"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n\r.\r\n", "\r\r\n.\r\r\n"}) {
    SmtpReceiver machine = receiver();
    const std::string behind =
        "\r\nMAIL FROM:<evil@montague.example>\r\n"
        "RCPT TO:<juliet@capulet.example>\r\nDATA\r\n\r\n.\r\n";
    const SmtpActions actions =
        machine.on_bytes(std::string(kBegin) + "Hi" + std::string(end) + "x" + behind);
    EXPECT_FALSE(actions.mail) << testing::PrintToString(end);
    EXPECT_TRUE(actions.close);
    EXPECT_THAT(actions.write, testing::EndsWith("521 5.5.2 Lines end with CRLF and with nothing "
                                                 "else\r\n"));
    EXPECT_EQ(machine.on_bytes("NOOP\r\n").write, "");
  }
  SmtpReceiver machine = receiver();
  EXPECT_TRUE(machine.on_bytes("EHLO a\nMAIL FROM:<>\r\n").close);
}

TEST(SmtpReceiver, LinesAreBounded) {
  SmtpReceiver machine = receiver();
  const SmtpActions actions = machine.on_bytes("EHLO " + std::string(3'000, 'a'));
  EXPECT_THAT(actions.write, StartsWith("500 5.5.2"));
  EXPECT_TRUE(actions.close);
  SmtpReceiver longest = receiver();
  const std::string line(998, 'a');
  ASSERT_TRUE(longest.on_bytes(std::string(kBegin) + line + "\r\n.\r\n").mail);
  SmtpReceiver longer = receiver();
  EXPECT_TRUE(longer.on_bytes(std::string(kBegin) + line + "a\r\n.\r\n").close);
}

TEST(SmtpReceiver, MailsAndRecipientsAreBounded) {
  SmtpLimits limits;
  limits.mail_bytes = 100;
  limits.recipients = 2;
  SmtpReceiver machine = receiver(limits);
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "0123456789\r\n";
  const SmtpActions actions = machine.on_bytes(std::string(kBegin) + lines + ".\r\nNOOP\r\n");
  EXPECT_FALSE(actions.mail);
  EXPECT_THAT(actions.write, HasSubstr("552 5.3.4"));
  EXPECT_THAT(actions.write, testing::EndsWith("250 2.0.0 OK\r\n"));
  EXPECT_THAT(say(machine,
                  "MAIL FROM:<>\r\nRCPT TO:<a@capulet.example>\r\nRCPT "
                  "TO:<b@capulet.example>\r\nRCPT TO:<c@capulet.example>\r\n"),
              testing::EndsWith("452 4.5.3 Too many recipients\r\n"));
}

TEST(SmtpReceiver, WhoGuessesIsCutOff) {
  SmtpReceiver machine = receiver();
  (void)say(machine, "EHLO a\r\nMAIL FROM:<>\r\n");
  SmtpActions actions;
  int tries = 0;
  while (!actions.close) {
    actions = machine.on_bytes("RCPT TO:<guess@montague.example>\r\n");
    ASSERT_LE(++tries, 20);
  }
  EXPECT_EQ(actions.write, "421 4.7.0 Too many errors\r\n");
  EXPECT_EQ(tries, 11);
}

TEST(SmtpReply, IsOneLineWhateverIsInIt) {
  EXPECT_EQ(SmtpReply(550, "5.0.0 a\r\n250 OK").line(), "550 5.0.0 a??250 OK\r\n");
  EXPECT_EQ(SmtpReply(550, std::string(1'000, 'a')).line().size(), 406U);
}

}  // namespace
}  // namespace balcony::gateway::mail
