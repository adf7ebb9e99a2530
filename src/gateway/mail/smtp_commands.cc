#include "gateway/mail/smtp_commands.h"

#include "base/number.h"

#include <algorithm>

namespace balcony::gateway::mail {
namespace {

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string in_capitals(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_upper);
  return out;
}

std::unexpected<SmtpReply> refuse(int code, std::string text) {
  return std::unexpected(SmtpReply(code, std::move(text)));
}

// A path and the parameters behind it.
struct Path {
  std::string_view address;  // between < and >, without a source route
  std::string_view parameters;
};

// Where the path ends: at the first '>' that is in no quotes.
std::size_t end_of_path(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '>') {
      return i;
    }
  }
  return std::string_view::npos;
}

// "FROM:<a@b> SIZE=1". White space behind the colon is wrong (§3.3), and frequent.
std::optional<Path> split_path(std::string_view argument, std::string_view keyword) {
  if (in_capitals(argument.substr(0, keyword.size())) != keyword) return std::nullopt;
  argument.remove_prefix(keyword.size());
  argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
  if (!argument.starts_with('<')) return std::nullopt;
  const std::size_t end = end_of_path(argument);
  if (end == std::string_view::npos) return std::nullopt;
  Path path{argument.substr(1, end - 1), argument.substr(end + 1)};
  if (!path.parameters.empty() && !path.parameters.starts_with(' ')) return std::nullopt;
  // RFC 5321 §4.1.1.3: source routes are taken and forgotten.
  if (path.address.starts_with('@')) {
    const std::size_t colon = path.address.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    path.address.remove_prefix(colon + 1);
  }
  return path;
}

// Takes the next word off; empty at the end.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

// One ESMTP parameter of MAIL. False: it is none that is known, or has no such value.
bool take_parameter(std::string_view parameter, MailFrom& mail) {
  const std::size_t equals = parameter.find('=');
  const std::string name = in_capitals(parameter.substr(0, equals));
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view{} : parameter.substr(equals + 1);
  if (name == "SIZE") {
    const auto size = read_number<decltype(mail.size)>(value);
    mail.size = size.value_or(0);
    return size.has_value();
  }
  if (name == "BODY") {  // RFC 6152 §3
    const std::string kind = in_capitals(value);
    return kind == "7BIT" || kind == "8BITMIME";
  }
  if (name == "SMTPUTF8" && equals == std::string_view::npos) {
    mail.utf8 = true;
    return true;
  }
  return false;
}

}  // namespace

SmtpReply::SmtpReply(int code_, std::string text_) : code(code_), text(std::move(text_)) {
  // RFC 5321 §4.5.3.1.5: 512 bytes; and a line is a line.
  if (text.size() > 400) text.resize(400);
  std::ranges::replace_if(text, [](char c) { return c < 0x20 || c == 0x7f; }, '?');
}

std::string SmtpReply::line() const {
  return std::to_string(code) + ' ' + text + "\r\n";
}

SmtpCommand split_command(std::string_view line) {
  while (line.ends_with(' ')) line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return {in_capitals(line), {}};
  return {in_capitals(line.substr(0, space)), line.substr(space + 1)};
}

std::expected<MailFrom, SmtpReply> parse_mail_from(std::string_view argument) {
  const auto path = split_path(argument, "FROM:");
  if (!path) return refuse(501, "5.5.4 MAIL FROM:<address> is meant");
  MailFrom mail;
  std::string_view rest = path->parameters;
  while (true) {
    const std::string_view parameter = next_word(rest);
    if (parameter.empty()) break;
    if (!take_parameter(parameter, mail)) return refuse(555, "5.5.4 Unknown parameter");
  }
  if (path->address.empty()) return mail;  // §4.5.5: the null path, of notices
  auto sender = MailAddress::parse(path->address);
  if (!sender) return refuse(553, "5.1.7 " + sender.error().detail);
  // RFC 6531 §3.5: only with the keyword.
  if (!sender->is_ascii() && !mail.utf8) return refuse(553, "5.6.7 SMTPUTF8 is needed");
  mail.sender = *std::move(sender);
  return mail;
}

std::expected<MailAddress, SmtpReply> parse_rcpt_to(std::string_view argument, SmtpUtf8 utf8) {
  const auto path = split_path(argument, "TO:");
  if (!path) return refuse(501, "5.5.4 RCPT TO:<address> is meant");
  std::string_view rest = path->parameters;
  if (!next_word(rest).empty()) return refuse(555, "5.5.4 Unknown parameter");
  auto recipient = MailAddress::parse(path->address);
  if (!recipient) return refuse(553, "5.1.3 " + recipient.error().detail);
  if (!recipient->is_ascii() && utf8 == SmtpUtf8::kNo) {
    return refuse(553, "5.6.7 SMTPUTF8 is needed");
  }
  return *std::move(recipient);
}

bool is_greeting_name(std::string_view argument) {
  return !argument.empty() && argument.size() <= 255 &&
         std::ranges::all_of(argument, [](char c) { return c > 0x20 && c != 0x7f; });
}

}  // namespace balcony::gateway::mail
