// The receiving end of SMTP (RFC 5321) and LMTP (RFC 2033) as a machine: bytes in, bytes and mails
// out. It knows no socket and no clock.
//
// The first greeting decides: LHLO makes it LMTP, EHLO or HELO SMTP. Extensions: SIZE (RFC 1870),
// 8BITMIME (RFC 6152), PIPELINING (RFC 2920), ENHANCEDSTATUSCODES (RFC 2034), SMTPUTF8 (RFC 6531).
//
// Lines end with CRLF and with nothing else: a bare CR or LF, in a command or in a mail, ends the
// connection, so that nobody can hide a second mail in a first one ("SMTP smuggling").
//
// Used by smtp_server.h. Not shared between threads.
#pragma once

#include "gateway/mail/mail_address.h"
#include "gateway/mail/smtp_commands.h"
#include "gateway/mail/smtp_reply.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::gateway::mail {

struct SmtpLimits {
  std::size_t command_bytes = 2'048;  // with CRLF; §4.5.3.1.4 asks for 512, and parameters add
  std::size_t line_bytes = 1'000;     // of a mail, with CRLF (§4.5.3.1.6)
  std::size_t mail_bytes = 5u << 20;
  std::size_t recipients = 100;     // §4.5.3.1.8 asks for this
  std::size_t wrong_commands = 10;  // then the connection ends
};

// A mail with its envelope.
struct ReceivedMail {
  std::optional<MailAddress> sender;
  std::vector<MailAddress> recipients;
  std::string data;   // dots taken off; lines end with CRLF
  bool lmtp = false;  // the sender hears of each recipient; by SMTP of all together
};

// What is to be done now.
struct SmtpActions {
  std::string write;
  std::optional<ReceivedMail> mail;  // deal with it, then call on_verdicts(); before that, no bytes
  bool close = false;                // after writing
};

class SmtpReceiver {
 public:
  // Whether mail for this address is taken at all. A good reply: yes.
  using RecipientCheck = std::function<SmtpReply(const MailAddress& recipient)>;

  // `name`: of this server, as it calls itself.
  SmtpReceiver(std::string name, SmtpLimits limits, RecipientCheck check);

  // The first line, sent by the server.
  std::string greeting() const;
  // The last line when the connection is ended by us for want of time or place.
  static std::string goodbye(std::string_view why);

  SmtpActions on_bytes(std::string_view bytes);
  // What became of the mail: one reply for each recipient, in their order.
  SmtpActions on_verdicts(const std::vector<SmtpReply>& verdicts);

  // Grows with each command and each mail that is complete: who makes no progress can be timed out.
  std::uint64_t progress() const noexcept { return progress_; }
  bool waits_for_verdicts() const noexcept { return state_ == State::kVerdict; }

 private:
  enum class State : std::uint8_t { kCommand, kData, kVerdict, kClosed };
  enum class Protocol : std::uint8_t { kUnknown, kSmtp, kLmtp };

  SmtpActions run();
  // The next line without its CRLF; none: not complete, or the connection is over.
  std::optional<std::string_view> take_line(std::size_t bytes_max, SmtpActions& actions);
  void command(std::string_view line, SmtpActions& actions);
  SmtpReply greet(const SmtpCommand& command);
  std::string capabilities() const;
  SmtpReply mail_from(std::string_view argument);
  SmtpReply rcpt_to(std::string_view argument);
  SmtpReply begin_data();
  void data_line(std::string_view line, SmtpActions& actions);
  void end_data(SmtpActions& actions);
  void verdict_for_all(const SmtpReply& reply, SmtpActions& actions);
  void end_with(const SmtpReply& reply, SmtpActions& actions);
  void reset();

  const std::string name_;
  const SmtpLimits limits_;
  const RecipientCheck check_;
  State state_ = State::kCommand;
  Protocol protocol_ = Protocol::kUnknown;
  std::string input_;
  std::size_t used_ = 0;      // of input_
  std::size_t searched_ = 0;  // of input_, for the end of a line
  bool began_ = false;        // MAIL was taken
  bool utf8_ = false;
  ReceivedMail mail_;
  std::optional<SmtpReply> refused_;  // the mail that is coming will not be taken
  std::size_t wrong_ = 0;
  std::uint64_t progress_ = 0;
};

}  // namespace balcony::gateway::mail
