#include <balcony/jid.h>

#include "base/assert.h"
#include "precis/idna.h"
#include "precis/precis.h"
#include "precis/utf8.h"

#include <array>
#include <cstring>
#include <optional>

namespace balcony {
namespace {

// RFC 7622 §3.3.1: what UsernameCaseMapped allows and a localpart does not.
constexpr std::string_view kExcludedFromLocal = "\"&'/:<>@";

// ASCII as it stands in a prepared localpart; zero for what may not.
constexpr std::array<char, 256> kLocalByte = [] {
  std::array<char, 256> table{};
  for (unsigned c = 0x21; c <= 0x7E; ++c) table[c] = static_cast<char>(c);
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = static_cast<char>(c - 'A' + 'a');
  for (const char c : kExcludedFromLocal) table[static_cast<unsigned char>(c)] = 0;
  return table;
}();

// Both say whether the part is ASCII and valid, and prepare it in place; false says nothing.
bool prepare_ascii_local(char* text, std::size_t size) noexcept {
  if (size == 0 || size > Jid::kPartBytesMax) return false;
  bool good = true;
  for (char* at = text; at != text + size; ++at) {
    const char mapped = kLocalByte[static_cast<unsigned char>(*at)];
    good &= mapped != 0;
    *at = mapped;
  }
  return good;
}

bool is_ascii_resource(const char* text, std::size_t size) noexcept {
  if (size == 0 || size > Jid::kPartBytesMax) return false;
  bool good = true;
  for (const char* at = text; at != text + size; ++at) good &= *at >= 0x20 && *at <= 0x7E;
  return good;
}

Result<std::string> prepare_local(std::string_view text) {
  if (!is_utf8(text)) return fail(Errc::kJidNotUtf8, "the localpart is not UTF-8");
  Result<std::string> local = precis::username_case_mapped(text);
  if (!local) {
    switch (local.error().code) {
      case Errc::kPrecisEmpty: return fail(Errc::kJidLocalEmpty, "the localpart is empty");
      case Errc::kPrecisTooLong:
        return fail(Errc::kJidLocalTooLong, "the localpart is longer than 1023 bytes");
      default: return fail(Errc::kJidLocalForbidden, "in the localpart: " + local.error().detail);
    }
  }
  if (local->size() > Jid::kPartBytesMax) {
    return fail(Errc::kJidLocalTooLong, "the localpart is longer than 1023 bytes");
  }
  // Looked for after the mapping of widths, which can make such a character.
  if (local->find_first_of(kExcludedFromLocal) != std::string::npos) {
    return fail(Errc::kJidLocalForbidden, "a localpart may not hold any of \"&'/:<>@");
  }
  return local;
}

Result<std::string> prepare_resource(std::string_view text) {
  if (!is_utf8(text)) return fail(Errc::kJidNotUtf8, "the resourcepart is not UTF-8");
  Result<std::string> resource = precis::opaque_string(text);
  if (!resource) {
    switch (resource.error().code) {
      case Errc::kPrecisEmpty: return fail(Errc::kJidResourceEmpty, "the resourcepart is empty");
      case Errc::kPrecisTooLong:
        return fail(Errc::kJidResourceTooLong, "the resourcepart is longer than 1023 bytes");
      default:
        return fail(Errc::kJidResourceForbidden, "in the resourcepart: " + resource.error().detail);
    }
  }
  if (resource->size() > Jid::kPartBytesMax) {
    return fail(Errc::kJidResourceTooLong, "the resourcepart is longer than 1023 bytes");
  }
  return resource;
}

// Where the parts of an address lie (RFC 7622 §3.2): found before anything is mapped, as mapping
// can make separators.
struct Parts {
  std::optional<std::string_view> local;
  std::string_view domain;
  std::optional<std::string_view> resource;
};

Parts split(std::string_view text) noexcept {
  Parts parts;
  const char* const start = text.data();
  if (const void* slash = std::memchr(start, '/', text.size())) {
    const auto at = static_cast<std::size_t>(static_cast<const char*>(slash) - start);
    parts.resource = text.substr(at + 1);
    text = text.substr(0, at);
  }
  if (const void* sign = std::memchr(start, '@', text.size())) {
    const auto at = static_cast<std::size_t>(static_cast<const char*>(sign) - start);
    parts.local = text.substr(0, at);
    text = text.substr(at + 1);
  }
  parts.domain = text;
  return parts;
}

}  // namespace

Result<Jid> Jid::parse(std::string_view text) {
  if (text.empty()) return fail(Errc::kJidEmpty, "the address is empty");
  const Parts parts = split(text);

  // Nearly every address is ASCII and valid: it is copied once and prepared where it lies.
  const std::size_t local_size = parts.local ? parts.local->size() : 0;
  const std::size_t domain_start = parts.local ? local_size + 1 : 0;
  const std::size_t bare_size = domain_start + parts.domain.size();
  std::string address(text);
  char* const bytes = address.data();
  if ((!parts.local || prepare_ascii_local(bytes, local_size)) &&
      precis::prepare_ascii_domain(bytes + domain_start, parts.domain.size()) &&
      (!parts.resource || is_ascii_resource(bytes + bare_size + 1, parts.resource->size()))) {
    return Jid(std::move(address), static_cast<std::uint16_t>(local_size),
               static_cast<std::uint16_t>(bare_size));
  }

  if (parts.local && parts.local->empty()) {
    return fail(Errc::kJidLocalEmpty, "there is nothing before the '@'");
  }
  if (parts.resource && parts.resource->empty()) {
    return fail(Errc::kJidResourceEmpty, "there is nothing behind the '/'");
  }
  return make(parts.local.value_or(""), parts.domain, parts.resource.value_or(""));
}

Result<Jid> Jid::make(std::string_view local, std::string_view domain, std::string_view resource) {
  std::string address;
  if (!local.empty()) {
    BALCONY_ASSIGN(address, prepare_local(local));
  }
  const std::size_t local_size = address.size();
  if (!local.empty()) address.push_back('@');
  BALCONY_ASSIGN(const std::string prepared_domain, precis::prepare_domain(domain));
  address.append(prepared_domain);
  const std::size_t bare_size = address.size();
  if (!resource.empty()) {
    BALCONY_ASSIGN(const std::string prepared_resource, prepare_resource(resource));
    address.append(1, '/').append(prepared_resource);
  }
  return Jid(std::move(address), static_cast<std::uint16_t>(local_size),
             static_cast<std::uint16_t>(bare_size));
}

Jid Jid::bare() const {
  return {std::string(bare_str()), local_size_, bare_size_};
}

Jid Jid::domain_jid() const {
  const std::string_view name = domain();
  return {std::string(name), 0, static_cast<std::uint16_t>(name.size())};
}

Result<Jid> Jid::with_resource(std::string_view resource) const {
  if (resource.empty()) return bare();
  BALCONY_ASSIGN(const std::string prepared, prepare_resource(resource));
  std::string address(bare_str());
  address.append(1, '/').append(prepared);
  return Jid(std::move(address), local_size_, bare_size_);
}

}  // namespace balcony
