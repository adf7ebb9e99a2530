// SMTP and LMTP as anybody may speak it: the machine's answers are whole lines, a mail is bounded
// and has only whole lines, and the same bytes in pieces give the same. What a mail holds is read
// as a mail, and as HTML.
#include "base/assert.h"
#include "gateway/mail/html_text.h"
#include "gateway/mail/incoming.h"
#include "gateway/mail/mime.h"
#include "gateway/mail/smtp_receiver.h"
#include "precis/utf8.h"

#include <cstdint>
#include <string_view>

namespace {

using namespace balcony;
using namespace balcony::gateway::mail;

struct Heard {
  std::string written;
  std::string mails;
  bool closed = false;
};

SmtpReceiver new_machine() {
  SmtpLimits limits;
  limits.mail_bytes = 10'000;
  return SmtpReceiver("mail.example", limits, [](const MailAddress& recipient) {
    BALCONY_ASSERT(MailAddress::parse(recipient.str()) == recipient, "an address reads back");
    return SmtpReply(250, "2.1.5 OK");
  });
}

void take(SmtpActions actions, SmtpReceiver& machine, Heard& heard) {
  heard.written += actions.write;
  while (actions.mail) {
    const ReceivedMail& mail = *actions.mail;
    BALCONY_ASSERT(mail.data.size() <= 10'000, "a mail is bounded");
    BALCONY_ASSERT(mail.data.empty() || mail.data.ends_with("\r\n"), "lines are whole");
    heard.mails += mail.data + '\0';
    actions = machine.on_verdicts(
        std::vector<SmtpReply>(mail.recipients.size(), SmtpReply(250, "2.0.0 OK")));
    heard.written += actions.write;
  }
  heard.closed = heard.closed || actions.close;
}

Heard hear(std::string_view bytes, std::size_t piece) {
  SmtpReceiver machine = new_machine();
  Heard heard;
  while (!bytes.empty() && !heard.closed) {
    take(machine.on_bytes(bytes.substr(0, piece)), machine, heard);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  BALCONY_ASSERT(heard.written.empty() || heard.written.ends_with("\r\n"), "answers are lines");
  return heard;
}

void read_as_html(std::string_view html) {
  const std::string text = html_to_text(html);
  BALCONY_ASSERT(!is_utf8(html) || is_utf8(text), "a text of characters");
  BALCONY_ASSERT(text.size() <= 4 * html.size() + 100, "a text is not much longer than its mail");
}

void read_as_mail(std::string_view data) {
  const auto mail = parse_mail(data);
  if (!mail) return;
  const std::string text = message_text(*mail, MailOptions{}, ThreadPlace::kFirst);
  BALCONY_ASSERT(is_utf8(text) && !text.empty(), "a message has a text");
  BALCONY_ASSERT(is_utf8(mail->subject), "a subject is text");
  BALCONY_ASSERT(mail->message_id.empty() || is_message_id(mail->message_id), "an id is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Heard whole = hear(bytes, bytes.size() + 1);
  const Heard pieces = hear(bytes, 7);
  BALCONY_ASSERT(whole.written == pieces.written && whole.mails == pieces.mails,
                 "it is the same however it is cut");
  read_as_mail(bytes);
  read_as_html(bytes);
  return 0;
}
