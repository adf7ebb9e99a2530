// The address of a mailbox (RFC 5321 §4.1.2), always valid: local@domain, without comments, source
// routes and address literals.
//
// The local part is kept as it is meant, without quotes; it holds no control characters, so that
// nothing of it can become a line of SMTP or a header. A value; any thread.
#pragma once

#include <balcony/result.h>

#include <string>
#include <string_view>

namespace balcony::gateway::mail {

class MailAddress {
 public:
  static constexpr std::size_t kLocalBytesMax = 64;    // RFC 5321 §4.5.3.1.1
  static constexpr std::size_t kDomainBytesMax = 255;  // RFC 5321 §4.5.3.1.2

  // `text` as in SMTP: "a@b", "\"a b\"@c". UTF-8 is an address of RFC 6531. Errors: kJidMalformed
  // with a sentence.
  static Result<MailAddress> parse(std::string_view text);
  // From its parts; `local` as it is meant. Errors: as parse().
  static Result<MailAddress> make(std::string_view local, std::string_view domain);

  const std::string& local() const noexcept { return local_; }
  const std::string& domain() const noexcept { return domain_; }  // lower case
  // As it is written, with quotes where they are needed.
  std::string str() const;
  bool is_ascii() const noexcept;

  friend bool operator==(const MailAddress&, const MailAddress&) = default;

 private:
  MailAddress(std::string local, std::string domain)
      : local_(std::move(local)), domain_(std::move(domain)) {}
  std::string local_;
  std::string domain_;
};

}  // namespace balcony::gateway::mail
