// A reply of SMTP (RFC 5321 §4.2) with its enhanced status code (RFC 3463). A value.
#pragma once

#include <string>
#include <string_view>

namespace balcony::gateway::mail {

struct SmtpReply {
  // `text_` begins with the enhanced code, "5.1.1 No such user"; one line. What is none is made
  // one.
  SmtpReply(int code_, std::string text_);

  bool is_good() const noexcept { return code < 400; }
  bool is_passing() const noexcept { return code >= 400 && code < 500; }
  // "550 5.1.1 No such user\r\n"
  std::string line() const;

  int code;
  std::string text;

  friend bool operator==(const SmtpReply&, const SmtpReply&) = default;
};

}  // namespace balcony::gateway::mail
