#include "gateway/mail/smtp_receiver.h"

#include "base/assert.h"

#include <algorithm>

namespace balcony::gateway::mail {
namespace {

const SmtpReply kBareLine(521, "5.5.2 Lines end with CRLF and with nothing else");

bool needs_nothing(std::string_view verb) {
  return verb == "RSET" || verb == "QUIT" || verb == "DATA";
}

}  // namespace

SmtpReceiver::SmtpReceiver(std::string name, SmtpLimits limits, RecipientCheck check)
    : name_(std::move(name)), limits_(limits), check_(std::move(check)) {}

std::string SmtpReceiver::greeting() const {
  return "220 " + name_ + " ESMTP Balcony\r\n";
}

std::string SmtpReceiver::goodbye(std::string_view why) {
  return SmtpReply(421, "4.3.2 " + std::string(why)).line();
}

SmtpActions SmtpReceiver::on_bytes(std::string_view bytes) {
  BALCONY_ASSERT(state_ != State::kVerdict, "a verdict is waited for");
  if (state_ == State::kClosed) return {};
  input_.append(bytes);
  return run();
}

SmtpActions SmtpReceiver::run() {
  SmtpActions actions;
  while (state_ == State::kCommand || state_ == State::kData) {
    const bool data = state_ == State::kData;
    const auto line = take_line(data ? limits_.line_bytes : limits_.command_bytes, actions);
    if (!line) break;
    if (data) {
      data_line(*line, actions);
    } else {
      command(*line, actions);
    }
  }
  // What was used is dropped once a call, not once a line.
  input_.erase(0, used_);
  searched_ -= std::min(searched_, used_);
  used_ = 0;
  if (state_ == State::kClosed) input_.clear();
  return actions;
}

std::optional<std::string_view> SmtpReceiver::take_line(std::size_t bytes_max,
                                                        SmtpActions& actions) {
  searched_ = std::max(searched_, used_);
  const std::size_t end = input_.find_first_of("\r\n", searched_);
  const std::size_t known = (end == std::string::npos ? input_.size() : end) - used_;
  if (known + 2 > bytes_max) {
    end_with(SmtpReply(500, "5.5.2 This line is too long"), actions);
    return std::nullopt;
  }
  if (end == std::string::npos) {
    searched_ = input_.size();
    return std::nullopt;
  }
  if (input_[end] == '\r' && end + 1 == input_.size()) {
    searched_ = end;
    return std::nullopt;
  }
  // RFC 5321 §2.3.8: CR and LF never stand alone.
  if (input_[end] == '\n' || input_[end + 1] != '\n') {
    end_with(kBareLine, actions);
    return std::nullopt;
  }
  const std::string_view line = std::string_view(input_).substr(used_, end - used_);
  used_ = end + 2;
  return line;
}

void SmtpReceiver::command(std::string_view line, SmtpActions& actions) {
  ++progress_;
  const SmtpCommand command = split_command(line);
  SmtpReply reply(502, "5.5.1 Unknown command");
  if (command.verb == "EHLO" || command.verb == "LHLO" || command.verb == "HELO") {
    reply = greet(command);
    if (reply.is_good() && command.verb != "HELO") {
      actions.write += capabilities();
      return;
    }
  } else if (needs_nothing(command.verb) && !command.argument.empty()) {
    reply = SmtpReply(501, "5.5.4 Nothing stands behind this command");
  } else if (command.verb == "QUIT") {
    return end_with(SmtpReply(221, "2.0.0 Good bye"), actions);
  } else if (command.verb == "NOOP") {
    reply = SmtpReply(250, "2.0.0 OK");
  } else if (command.verb == "RSET") {
    reset();
    reply = SmtpReply(250, "2.0.0 OK");
  } else if (command.verb == "VRFY") {
    reply = SmtpReply(252, "2.5.0 Send it, and it will show");  // §3.5.3
  } else if (command.verb == "HELP") {
    reply = SmtpReply(214, "2.0.0 See RFC 5321");
  } else if (protocol_ == Protocol::kUnknown) {
    reply = SmtpReply(503, "5.5.1 Greet first");
  } else if (command.verb == "MAIL") {
    reply = mail_from(command.argument);
  } else if (command.verb == "RCPT") {
    reply = rcpt_to(command.argument);
  } else if (command.verb == "DATA") {
    reply = begin_data();
  }
  // Who guesses at commands (or at users) talks to us for a while only.
  if (!reply.is_good() && reply.code >= 500 && ++wrong_ > limits_.wrong_commands) {
    return end_with(SmtpReply(421, "4.7.0 Too many errors"), actions);
  }
  actions.write += reply.line();
}

SmtpReply SmtpReceiver::greet(const SmtpCommand& command) {
  const Protocol wanted = command.verb == "LHLO" ? Protocol::kLmtp : Protocol::kSmtp;
  // RFC 2033 §4.1: who speaks the one does not speak the other.
  if (protocol_ != Protocol::kUnknown && protocol_ != wanted) {
    return SmtpReply(500, "5.5.1 You have greeted otherwise before");
  }
  if (!is_greeting_name(command.argument)) return SmtpReply(501, "5.5.4 Who are you?");
  protocol_ = wanted;
  reset();  // RFC 5321 §4.1.4
  return SmtpReply(250, name_);
}

std::string SmtpReceiver::capabilities() const {
  return "250-" + name_ + "\r\n250-PIPELINING\r\n250-SIZE " + std::to_string(limits_.mail_bytes) +
         "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n";
}

SmtpReply SmtpReceiver::mail_from(std::string_view argument) {
  if (began_) return SmtpReply(503, "5.5.1 One mail at a time");
  auto parsed = parse_mail_from(argument);
  if (!parsed) return parsed.error();
  // RFC 1870 §6.1.
  if (parsed->size > limits_.mail_bytes) return SmtpReply(552, "5.3.4 This mail is too large");
  began_ = true;
  utf8_ = parsed->utf8;
  mail_.sender = std::move(parsed->sender);
  return SmtpReply(250, "2.1.0 OK");
}

SmtpReply SmtpReceiver::rcpt_to(std::string_view argument) {
  if (!began_) return SmtpReply(503, "5.5.1 MAIL comes first");
  if (mail_.recipients.size() >= limits_.recipients) {
    return SmtpReply(452, "4.5.3 Too many recipients");  // §4.5.3.1.10
  }
  auto parsed = parse_rcpt_to(argument, utf8_ ? SmtpUtf8::kYes : SmtpUtf8::kNo);
  if (!parsed) return parsed.error();
  SmtpReply checked = check_(*parsed);
  if (!checked.is_good()) return checked;
  mail_.recipients.push_back(*std::move(parsed));
  return SmtpReply(250, "2.1.5 OK");
}

SmtpReply SmtpReceiver::begin_data() {
  if (mail_.recipients.empty()) {
    return began_ ? SmtpReply(554, "5.5.1 No valid recipients")
                  : SmtpReply(503, "5.5.1 MAIL comes first");
  }
  state_ = State::kData;
  return SmtpReply(354, "The mail, and a dot on a line of its own");
}

void SmtpReceiver::data_line(std::string_view line, SmtpActions& actions) {
  if (line == ".") return end_data(actions);
  if (line.starts_with('.')) line.remove_prefix(1);  // §4.5.2
  if (refused_) return;
  if (mail_.data.size() + line.size() + 2 > limits_.mail_bytes) {
    refused_ = SmtpReply(552, "5.3.4 This mail is too large");
    mail_.data = std::string();
    return;
  }
  mail_.data.append(line).append("\r\n");
}

void SmtpReceiver::end_data(SmtpActions& actions) {
  ++progress_;
  if (refused_) return verdict_for_all(*refused_, actions);
  state_ = State::kVerdict;
  mail_.lmtp = protocol_ == Protocol::kLmtp;
  actions.mail = std::move(mail_);
  // How many verdicts LMTP wants.
  mail_ = ReceivedMail();
  mail_.recipients = actions.mail->recipients;
}

void SmtpReceiver::verdict_for_all(const SmtpReply& reply, SmtpActions& actions) {
  // RFC 2033 §4.2: one reply for each recipient; SMTP has one for all.
  const std::size_t replies = protocol_ == Protocol::kLmtp ? mail_.recipients.size() : 1;
  for (std::size_t i = 0; i < replies; ++i) actions.write += reply.line();
  reset();
  state_ = State::kCommand;
}

SmtpActions SmtpReceiver::on_verdicts(const std::vector<SmtpReply>& verdicts) {
  BALCONY_ASSERT(state_ == State::kVerdict, "nobody asked");
  BALCONY_ASSERT(verdicts.size() == mail_.recipients.size(), "a verdict for each recipient");
  SmtpActions actions;
  if (protocol_ == Protocol::kLmtp) {
    for (const SmtpReply& verdict : verdicts) actions.write += verdict.line();
  } else {
    // One taken is taken for all; else what may pass later is tried again.
    const auto good = std::ranges::find_if(verdicts, &SmtpReply::is_good);
    const auto passing = std::ranges::find_if(verdicts, &SmtpReply::is_passing);
    const SmtpReply& one = good != verdicts.end()      ? *good
                           : passing != verdicts.end() ? *passing
                                                       : verdicts.front();
    actions.write += one.line();
  }
  reset();
  state_ = State::kCommand;
  SmtpActions more = run();  // what was pipelined behind the mail
  more.write.insert(0, actions.write);
  return more;
}

void SmtpReceiver::end_with(const SmtpReply& reply, SmtpActions& actions) {
  actions.write += reply.line();
  actions.close = true;
  state_ = State::kClosed;
}

void SmtpReceiver::reset() {
  began_ = false;
  utf8_ = false;
  mail_ = ReceivedMail();
  refused_.reset();
}

}  // namespace balcony::gateway::mail
