#include "gateway/mail/mail_address.h"

#include "precis/utf8.h"

#include <balcony/jid.h>

#include <algorithm>

namespace balcony::gateway::mail {
namespace {

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Errc::kJidMalformed, "this is no e-mail address: " + std::string(why));
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322 §3.2.3, with RFC 6531 §3.3.
bool is_atext(char c) {
  constexpr std::string_view kSpecials = "!#$%&'*+-/=?^_`{|}~";
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         kSpecials.find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  if (local.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// RFC 5321 §4.1.2: what stands in quotes, with its backslashes resolved.
Result<std::string> unquote(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '"') return refuse("a quote in the middle");
    if (quoted[i] == '\\' && ++i + 1 >= quoted.size()) return refuse("a quote is missing");
    out += quoted[i];
  }
  return out;
}

// Where the local part ends: at the last '@', which no domain holds.
std::size_t find_at(std::string_view text) {
  return text.rfind('@');
}

bool is_domain_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
    return false;
  }
  return std::ranges::all_of(label, [](char c) {
    return is_alnum(c) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool is_domain(std::string_view domain) {
  for (std::size_t start = 0;;) {
    const std::size_t dot = domain.find('.', start);
    if (!is_domain_label(domain.substr(start, dot - start))) return false;
    if (dot == std::string_view::npos) return true;
    start = dot + 1;
  }
}

}  // namespace

Result<MailAddress> MailAddress::make(std::string_view local, std::string_view domain) {
  if (local.empty()) return refuse("nothing stands before the @");
  if (local.size() > kLocalBytesMax) return refuse("the name is longer than 64 bytes");
  if (domain.empty()) return refuse("nothing stands behind the @");
  if (domain.size() > kDomainBytesMax) return refuse("the domain is longer than 255 bytes");
  if (has_control(local)) return refuse("it holds a control character");
  if (!is_utf8(local)) return refuse("it is not UTF-8");
  const auto prepared = Jid::make("", domain);
  if (!prepared || !is_domain(prepared->domain())) return refuse("the domain is none");
  return MailAddress(std::string(local), std::string(prepared->domain()));
}

Result<MailAddress> MailAddress::parse(std::string_view text) {
  const std::size_t at = find_at(text);
  if (at == std::string_view::npos) return refuse("there is no @");
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (local.size() >= 2 && local.front() == '"' && local.back() == '"') {
    BALCONY_ASSIGN(const std::string inner, unquote(local));
    return make(inner, domain);
  }
  if (!is_dot_atom(local)) return refuse("the name before the @ holds what may not stand there");
  return make(local, domain);
}

std::string MailAddress::str() const {
  if (is_dot_atom(local_)) return local_ + '@' + domain_;
  std::string out = "\"";
  for (const char c : local_) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"@" + domain_;
}

bool MailAddress::is_ascii() const noexcept {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  return std::ranges::all_of(local_, ascii) && std::ranges::all_of(domain_, ascii);
}

}  // namespace balcony::gateway::mail
