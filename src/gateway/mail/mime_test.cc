#include "gateway/mail/mime.h"

#include "gateway/mail/incoming.h"
#include "gateway/mail/report.h"

#include <gmock/gmock.h>

#include <chrono>

namespace balcony::gateway::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const MailAddress kRomeo = *MailAddress::parse("romeo@montague.example");
const MailAddress kJuliet = *MailAddress::parse("juliet@capulet.example");

NewMail new_mail() {
  NewMail mail(kRomeo, kJuliet);
  mail.subject = "The balcony";
  mail.date = WallTime(std::chrono::milliseconds(1'795'410'000'123));
  mail.message_id = "abc@montague.example";
  mail.text = "But soft!";
  return mail;
}

TEST(Mime, WhatIsWrittenReadsBack) {
  NewMail mail = new_mail();
  mail.subject =
      "Grüße & 🌅 with more words than fit into one line of a header, so that it is folded";
  mail.references = {"first@x.example", "second@x.example"};
  mail.text = "Zeile 1 — ü\n.\nFrom here\n" + std::string(3'000, 'x') + "\n\ttab\n";
  const std::string bytes = compose_mail(mail);
  const auto read = parse_mail(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->from, kRomeo);
  EXPECT_EQ(read->subject, mail.subject);
  EXPECT_EQ(read->message_id, mail.message_id);
  EXPECT_EQ(read->references, mail.references);
  std::string text = read->text;
  std::erase(text, '\r');
  EXPECT_EQ(text, mail.text);
  EXPECT_FALSE(read->automatic);
  EXPECT_THAT(bytes, HasSubstr("In-Reply-To: <second@x.example>\r\n"));
  EXPECT_THAT(bytes, HasSubstr("Date: Mon, 23 Nov 2026"));
}

// Whatever comes in, no field appears that was not meant, and lines end as SMTP wants it.
TEST(Mime, NothingIsInjected) {
  for (const std::string evil :
       {"a\r\nBcc: evil@example.org", "a\nBcc: x", "a\rBcc: x", "a\r\n\r\nBcc: x",
        "=?utf-8?Q?a=0D=0ABcc:_x?=", "\u0085Bcc: x", "a\x0b\x0c\x00z"}) {
    NewMail mail = new_mail();
    mail.subject = evil;
    mail.references = {evil, "good@x.example"};
    mail.text = evil + "\r\n.\r\nQUIT\r\n" + evil;
    const std::string bytes = compose_mail(mail);
    const std::string header(header_of(bytes, 100'000));
    for (std::size_t at = 0; at < header.size(); at = header.find("\r\n", at) + 2) {
      const std::string_view line = std::string_view(header).substr(at);
      EXPECT_TRUE(line.starts_with(' ') || line.starts_with("From: ") || line.starts_with("To: ") ||
                  line.starts_with("Subject: ") || line.starts_with("Date: ") ||
                  line.starts_with("Message-Id: ") || line.starts_with("In-Reply-To: ") ||
                  line.starts_with("References: ") || line.starts_with("MIME-Version: ") ||
                  line.starts_with("Content-T") || line.starts_with("\t"))
          << line.substr(0, 60);
    }
    std::string rest = bytes;
    for (std::size_t at; (at = rest.find("\r\n")) != std::string::npos;) rest.erase(at, 2);
    EXPECT_THAT(rest, Not(HasSubstr("\r")));
    EXPECT_THAT(rest, Not(HasSubstr("\n")));
  }
}

ParsedMail parse(std::string_view data) {
  std::string crlf;
  for (const char c : data) {
    if (c == '\n') crlf += '\r';
    crlf += c;
  }
  const auto mail = parse_mail(crlf);
  EXPECT_TRUE(mail) << mail.error().to_string();
  return mail ? *mail : ParsedMail{};
}

TEST(Mime, OfAlternativesOneIsRead) {
  const ParsedMail mail = parse(
      "From: \"Juliet C.\" <juliet@capulet.example>\nSubject: x\nMIME-Version: 1.0\nContent-Type: "
      "multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nplain\n"
      "--b\nContent-Type: text/html\n\n<p>html</p>\n--b--\n");
  EXPECT_EQ(mail.text, "plain");
  EXPECT_EQ(mail.from_name, "Juliet C.");
  EXPECT_TRUE(mail.attachments.empty());
  const ParsedMail empty_plain = parse(
      "From: juliet@capulet.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n"
      "Content-Type: text/plain\n\n  \n--b\nContent-Type: multipart/related; boundary=c\n\n--c\n"
      "Content-Type: text/html\n\n<p>html</p>\n--c\nContent-Type: image/png\nContent-ID: <a>\n\nx\n"
      "--c--\n--b--\n");
  EXPECT_EQ(empty_plain.text, "html");
  EXPECT_TRUE(empty_plain.attachments.empty()) << "pictures of a layout";
}

TEST(Mime, AttachmentsAreNamed) {
  const ParsedMail mail = parse(
      "From: juliet@capulet.example\nContent-Type: multipart/mixed; "
      "boundary=b\n\n--b\n\ntext\n--b\n"
      "Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"a\tb.pdf\"\n"
      "Content-Transfer-Encoding: base64\n\nAAAA\n--b\nContent-Type: text/plain\n"
      "Content-Disposition: attachment; filename=notes.txt\n\nnotes\n--b\n"
      "Content-Type: message/rfc822\n\nSubject: Inner\n\ninner text\n--b--\n");
  EXPECT_EQ(mail.text, "text");
  ASSERT_EQ(mail.attachments.size(), 3U);
  EXPECT_EQ(mail.attachments[0].name, "a b.pdf");
  EXPECT_EQ(mail.attachments[0].bytes, 3U);
  EXPECT_EQ(mail.attachments[1].name, "notes.txt");
  EXPECT_EQ(mail.attachments[2].name, "Inner");
  const std::string text = message_text(mail, MailOptions{}, ThreadPlace::kLater);
  EXPECT_THAT(text, StartsWith("text\n[Attachment, not taken: a b.pdf, application/pdf, 3 bytes]"));
}

TEST(Mime, CharsetsAreConverted) {
  EXPECT_EQ(parse("Subject: =?koi8-r?B?8NLJ18XU?=\nContent-Type: text/plain; charset=koi8-r\n\n"
                  "\xf0\xd2\xc9\xd7\xc5\xd4")
                .subject,
            "Привет");
  EXPECT_EQ(parse("Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4").text,
            "Привет");
  const ParsedMail unknown = parse("Content-Type: text/plain; charset=klingon\n\nabc\xff");
  EXPECT_THAT(message_text(unknown, MailOptions{}, ThreadPlace::kFirst), StartsWith("abc"));
}

TEST(Mime, MachinesAreSeen) {
  for (const std::string field :
       {"Auto-Submitted: auto-replied", "Auto-Submitted: Auto-Generated; x", "Precedence: BULK",
        "Precedence: list", "List-Id: <x>", "List-Unsubscribe: <mailto:x>", "X-Loop: y"}) {
    EXPECT_TRUE(parse(field + "\n\nx").automatic) << field;
  }
  EXPECT_FALSE(parse("Auto-Submitted: no\nPrecedence: normal\n\nx").automatic);
  EXPECT_EQ(parse("Received: a\nreceived: b\nX-Received: c\n\nx").hops, 2U);
}

TEST(Mime, ReferencesEndWithWhatIsAnswered) {
  EXPECT_THAT(parse("References: <a@x> <b@x>\nIn-Reply-To: <a@x>\n\nx").references,
              ElementsAre("b@x", "a@x"));
  std::string many = "References:";
  for (int i = 0; i < 100; ++i) many += " <" + std::to_string(i) + "@x>\n";
  const auto references = parse(many + "\nx").references;
  EXPECT_EQ(references.size(), 30U);
  EXPECT_EQ(references.back(), "99@x");
}

TEST(Mime, ASenderIsOneOrNone) {
  EXPECT_FALSE(parse("From: a@b.example, c@d.example\n\nx").from);
  EXPECT_FALSE(parse("From: nobody\n\nx").from);
  EXPECT_FALSE(parse("Subject: x\n\nx").from);
}

TEST(Mime, BombsAreRefusedBeforeTheyGoOff) {
  std::string nested;
  for (int i = 0; i < 20'000; ++i) {
    nested += "Content-Type: multipart/mixed; boundary=" + std::to_string(i) + "\r\n\r\n--" +
              std::to_string(i) + "\r\n";
  }
  std::string parts = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 100'000; ++i) parts += "--b\r\n\r\n";
  std::string fields;
  for (int i = 0; i < 100'000; ++i) fields += "X: y\r\n";
  for (const std::string& bomb : {nested, parts, fields}) {
    EXPECT_EQ(parse_mail(bomb).error().code, Errc::kPolicyViolation);
  }
}

// The deepest nesting that is let through.
TEST(Mime, NestingNeedsLittleStack) {
  std::string nested;
  for (int i = 0; i < 240; ++i) {
    nested += "Content-Type: multipart/mixed; boundary=" + std::to_string(i) + "\r\n\r\n--" +
              std::to_string(i) + "\r\n";
  }
  EXPECT_EQ(parse_mail(nested + "\r\nthe end").value().text, "the end");
  std::string forwarded;
  for (int i = 0; i < 240; ++i) forwarded += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_TRUE(parse_mail(forwarded + "\r\nthe end"));
}

TEST(Mime, ReportsAreRead) {
  const ParsedMail mail = parse(
      "From: mailer-daemon@x.example\nContent-Type: multipart/report; report-type=delivery-status; "
      "boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: "
      "dns; x.example\n\nFinal-Recipient: rfc822; juliet@capulet.example\nAction: Failed\nStatus: "
      "5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n  no such\n user\n--b\nContent-Type: "
      "message/rfc822\n\nMessage-ID: <abc@montague.example>\nSubject: x\n\ntext\n--b--\n");
  ASSERT_TRUE(mail.report);
  EXPECT_EQ(mail.report->message_id, "abc@montague.example");
  ASSERT_EQ(mail.report->recipients.size(), 1U);
  const ReportedRecipient& recipient = mail.report->recipients.front();
  EXPECT_EQ(recipient.recipient, "juliet@capulet.example");
  EXPECT_EQ(recipient.action, "failed");
  EXPECT_EQ(recipient.status, "5.1.1");
  EXPECT_EQ(recipient.diagnostic, "550 5.1.1 no such user");
}

TEST(Mime, ANoticeIsAReportThatAMachineWrote) {
  const FailedRecipient nurse(*MailAddress::parse("nurse@capulet.example"), "4.2.2", "Full");
  FailureNotice notice(new_mail(), {{kJuliet, "5.1.1", "Nobody\r\nof this name"}, nurse});
  notice.reporter = "mail.montague.example";
  notice.original_header = "Message-ID: <lost@x.example>\r\nSubject: Hi\r\n";
  const std::string bytes = compose_notice(notice);
  const auto read = parse_mail(bytes);
  ASSERT_TRUE(read && read->report);
  EXPECT_TRUE(read->automatic);
  EXPECT_EQ(read->report->message_id, "lost@x.example");
  EXPECT_EQ(read->report->recipients.size(), 2U);
  EXPECT_EQ(read->report->recipients.front().recipient, "juliet@capulet.example");
  EXPECT_EQ(read->report->recipients.front().diagnostic, "Nobody of this name");
  EXPECT_THAT(read->text, HasSubstr("juliet@capulet.example: Nobody of this name"));
}

TEST(Mime, HeadersAreCutAtLines) {
  EXPECT_EQ(header_of("A: 1\r\nB: 2\r\n\r\ntext", 100), "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(header_of("A: 1\r\nB: 2\r\n\r\ntext", 8), "A: 1\r\n");
  EXPECT_EQ(header_of("\r\ntext", 8), "");
  EXPECT_EQ(header_of("A: 1\r\n", 100), "A: 1\r\n");
  EXPECT_FALSE(is_message_id("a b"));
  EXPECT_FALSE(is_message_id("a>"));
  EXPECT_FALSE(is_message_id(std::string(300, 'a')));
  EXPECT_TRUE(is_message_id("a@b"));
}

}  // namespace
}  // namespace balcony::gateway::mail
