// Domain names: the domainpart of a JID (RFC 7622 §3.2) and its form in the DNS.
//
// A domainpart is kept in U-label form: IDNA2008 (RFC 5890 to 5893) after the mapping of UTS #46,
// nontransitional, in lower case, without a trailing dot. Used by jid/, and by who resolves names
// or compares certificates. Pure functions; any thread.
#pragma once

#include <balcony/result.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace balcony::precis {

inline constexpr std::size_t kDomainBytesMax = 1023;  // RFC 7622 §3.2
inline constexpr std::size_t kLabelBytesMax = 63;     // RFC 1035 §2.3.4, in A-label form

// Lower-cases `domain` in place and says whether it is a plain ASCII name that needs nothing more.
// False says nothing: ask prepare_domain() about the original.
bool prepare_ascii_domain(char* domain, std::size_t size) noexcept;

// Prepares a domainpart: a name, an IPv4 address, or an IPv6 address in brackets, which comes out
// in the form of RFC 5952. A-labels become U-labels.
// Errors: kJidDomainEmpty, also for "."; kJidDomainTooLong for more than 1023 bytes or a label
// that is longer than 63 in A-label form; kJidDomainForbidden; kJidNotUtf8.
Result<std::string> prepare_domain(std::string_view domain);

// The name in A-labels, for the DNS, TLS server names and certificates. Takes a prepared domain; an
// address comes back as it is. Errors: kJidDomainTooLong for a name that the DNS cannot hold (more
// than 253 bytes).
Result<std::string> domain_to_ascii(std::string_view domain);

// Whether a prepared domain is an IPv4 or a bracketed IPv6 address.
bool is_ip_literal(std::string_view domain);

}  // namespace balcony::precis
