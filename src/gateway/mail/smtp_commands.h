// The commands of SMTP and LMTP that carry something, as grammar: no state. Pure functions.
#pragma once

#include "gateway/mail/mail_address.h"
#include "gateway/mail/smtp_reply.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::gateway::mail {

// A line without its CRLF as verb, in capitals, and what stands behind it.
struct SmtpCommand {
  std::string verb;
  std::string_view argument;
};
SmtpCommand split_command(std::string_view line);

// MAIL FROM (RFC 5321 §4.1.1.2).
struct MailFrom {
  std::optional<MailAddress> sender;  // none: the null path, "<>"
  std::uint64_t size = 0;             // SIZE (RFC 1870); 0: not said
  bool utf8 = false;                  // SMTPUTF8 (RFC 6531)
};
std::expected<MailFrom, SmtpReply> parse_mail_from(std::string_view argument);

// RCPT TO (§4.1.1.3). `utf8`: the transaction has SMTPUTF8.
enum class SmtpUtf8 : std::uint8_t { kNo, kYes };
std::expected<MailAddress, SmtpReply> parse_rcpt_to(std::string_view argument, SmtpUtf8 utf8);

// Whether this may be the name in EHLO, HELO or LHLO: a domain or an address literal, or anything
// printable that people's computers say there.
bool is_greeting_name(std::string_view argument);

}  // namespace balcony::gateway::mail
