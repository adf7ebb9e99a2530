#include "precis/idna.h"

#include "base/assert.h"
#include "precis/code_points.h"
#include "precis/utf8.h"

#include <arpa/inet.h>
#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/stringpiece.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace balcony::precis {
namespace {

// LDH of RFC 5890 §2.3.1 in lower case, and the dot; zero for what stands in no plain name.
constexpr std::array<char, 256> kDomainByte = [] {
  std::array<char, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = static_cast<char>(c);
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = static_cast<char>(c);
  table['-'] = '-';
  table['.'] = '.';
  return table;
}();

// RFC 5890 §2.3.1: no hyphen at the ends; "??--" is reserved, and A-labels start with it.
bool is_plain_label(const char* label, std::size_t size) {
  if (size == 0 || size > kLabelBytesMax) return false;
  if (label[0] == '-' || label[size - 1] == '-') return false;
  return size < 4 || label[2] != '-' || label[3] != '-';
}

const icu::IDNA& uts46() {
  static const icu::IDNA* const instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::IDNA* made = icu::IDNA::createUTS46Instance(
        UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_CHECK_CONTEXTO |
            UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE,
        status);
    BALCONY_ASSERT(U_SUCCESS(status), "ICU has no IDNA data");
    return made;
  }();
  return *instance;
}

struct Converted {
  std::string text;
  std::uint32_t errors;
};

using Conversion = void (icu::IDNA::*)(icu::StringPiece, icu::ByteSink&, icu::IDNAInfo&,
                                       UErrorCode&) const;

Converted convert(Conversion conversion, std::string_view name) {
  Converted result{};
  icu::StringByteSink<std::string> sink(&result.text);
  icu::IDNAInfo info;
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece piece(name.data(), static_cast<std::int32_t>(name.size()));
  (uts46().*conversion)(piece, sink, info, status);
  BALCONY_ASSERT(U_SUCCESS(status), "ICU could not convert a name");
  result.errors = info.getErrors();
  return result;
}

Converted to_unicode(std::string_view name) {
  return convert(&icu::IDNA::nameToUnicodeUTF8, name);
}

Converted to_ascii(std::string_view name) {
  return convert(&icu::IDNA::nameToASCII_UTF8, name);
}

std::string_view why(std::uint32_t errors) {
  if (errors & UIDNA_ERROR_EMPTY_LABEL) return "a label of the domain is empty";
  if (errors & (UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4))
    return "a label of the domain has a hyphen where none may stand";
  if (errors & (UIDNA_ERROR_PUNYCODE | UIDNA_ERROR_INVALID_ACE_LABEL))
    return "a label of the domain starts with xn-- and is no A-label";
  if (errors & UIDNA_ERROR_BIDI)
    return "the directions of the domain's letters break the Bidi Rule";
  return "the domain has a character that IDNA2008 refuses";
}

// Calls `check` with each label of `name`; false as soon as it says so.
template <class Check>
bool each_label(std::string_view name, Check check) {
  while (true) {
    const std::size_t dot = name.find('.');
    if (!check(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// RFC 5891 §5.4: an A-label must stand for something that ASCII cannot say.
bool has_fake_a_label(std::string_view ascii) {
  return !each_label(ascii, [](std::string_view label) {
    return !label.starts_with("xn--") || !is_ascii(to_unicode(label).text);
  });
}

Result<std::string> prepare_name(std::string_view domain) {
  auto [name, errors] = to_unicode(domain);
  // RFC 7622 §3.2: the dot of the root is stripped, whichever code point was written for it.
  if (name.ends_with('.')) name.pop_back();
  if (name.empty()) return fail(Errc::kJidDomainEmpty, "the domainpart is empty");
  if (errors != 0) return fail(Errc::kJidDomainForbidden, std::string(why(errors)));
  const std::optional<std::u32string> code_points = decode_utf8(name);
  BALCONY_ASSERT(code_points, "ICU wrote bad UTF-8");
  // UTS #46 lets symbols through that IDNA2008 does not have in U-labels.
  const auto allowed = [](char32_t c) { return c < 0x80 || in_u_label(c); };
  if (!std::ranges::all_of(*code_points, allowed)) {
    return fail(Errc::kJidDomainForbidden, "the domain has a symbol, which IDNA2008 refuses");
  }
  const Converted ascii = to_ascii(domain);
  if (name.size() > kDomainBytesMax || (ascii.errors & UIDNA_ERROR_LABEL_TOO_LONG)) {
    return fail(Errc::kJidDomainTooLong, "the domainpart or one of its labels is too long");
  }
  if ((ascii.errors & ~static_cast<std::uint32_t>(UIDNA_ERROR_DOMAIN_NAME_TOO_LONG)) != 0) {
    return fail(Errc::kJidDomainForbidden, std::string(why(ascii.errors)));
  }
  if (has_fake_a_label(ascii.text) || to_unicode(name).text != name) {
    return fail(Errc::kJidDomainForbidden, std::string(why(UIDNA_ERROR_PUNYCODE)));
  }
  return name;
}

// RFC 7622 §3.2 takes IP-literal from RFC 3986 §3.2.2; IPvFuture and zones are refused.
Result<std::string> prepare_ipv6(std::string_view domain) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool closed = domain.size() > 2 && domain.back() == ']';
  if (closed && domain.size() - 2 < text.size()) {
    std::memcpy(text.data(), domain.data() + 1, domain.size() - 2);
    in6_addr address{};
    // A NUL inside would end the text early.
    if (std::strlen(text.data()) == domain.size() - 2 &&
        inet_pton(AF_INET6, text.data(), &address) == 1) {
      inet_ntop(AF_INET6, &address, text.data(), text.size());
      return std::string("[").append(text.data()).append("]");
    }
  }
  return fail(Errc::kJidDomainForbidden, "the brackets hold no IPv6 address");
}

}  // namespace

bool prepare_ascii_domain(char* domain, std::size_t size) noexcept {
  if (size > kDomainBytesMax) return false;
  const char* label = domain;
  for (char* at = domain; at != domain + size; ++at) {
    const char mapped = kDomainByte[static_cast<unsigned char>(*at)];
    if (mapped == 0) return false;
    *at = mapped;
    if (mapped != '.') continue;
    if (!is_plain_label(label, static_cast<std::size_t>(at - label))) return false;
    label = at + 1;
  }
  return is_plain_label(label, static_cast<std::size_t>(domain + size - label));
}

Result<std::string> prepare_domain(std::string_view domain) {
  if (domain.empty()) return fail(Errc::kJidDomainEmpty, "the domainpart is empty");
  // Mapping makes a name shorter by a factor of four at most; what is longer is refused unseen.
  if (domain.size() > 4 * kDomainBytesMax) {
    return fail(Errc::kJidDomainTooLong, "the domainpart is too long");
  }
  std::string plain(domain);
  if (prepare_ascii_domain(plain.data(), plain.size())) return plain;
  if (!is_utf8(domain)) return fail(Errc::kJidNotUtf8, "the domainpart is not UTF-8");
  return domain.front() == '[' ? prepare_ipv6(domain) : prepare_name(domain);
}

Result<std::string> domain_to_ascii(std::string_view domain) {
  if (domain.starts_with('[')) return std::string(domain);
  auto [name, errors] = to_ascii(domain);
  if (errors & (UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LABEL_TOO_LONG)) {
    return fail(Errc::kJidDomainTooLong, "the DNS cannot hold a name of more than 253 bytes");
  }
  if (errors != 0) return fail(Errc::kJidDomainForbidden, std::string(why(errors)));
  return name;
}

bool is_ip_literal(std::string_view domain) {
  if (domain.starts_with('[')) return true;
  std::array<char, INET_ADDRSTRLEN> text{};
  if (domain.size() >= text.size()) return false;
  std::memcpy(text.data(), domain.data(), domain.size());
  in_addr address{};
  return inet_pton(AF_INET, text.data(), &address) == 1;
}

}  // namespace balcony::precis
