// A JID: the address of an entity on the network (RFC 7622).
//
//   Jid juliet = *Jid::parse("juliet@im.example.com/balcony");
//   juliet.local() == "juliet", juliet.domain() == "im.example.com", juliet.resource() == "balcony"
//
// A Jid is always valid and always prepared: localpart by the UsernameCaseMapped profile,
// resourcepart by OpaqueString (RFC 7622 §3.3, §3.4, RFC 8265), domainpart by IDNA2008 with UTS #46
// mapping (§3.2). So two Jids are the same address if and only if they are equal bytes. An ASCII
// address costs no Unicode work. A value type; safe to use from several threads as long as nobody
// writes.
#pragma once

#include <balcony/result.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace balcony {

class Jid {
 public:
  // Each part may have at most so many bytes after preparation (RFC 7622 §3.2 to §3.4).
  static constexpr std::size_t kPartBytesMax = 1023;

  // Parses and prepares `text` (RFC 7622 §3.1: the first '/' ends the bare part, the first '@'
  // before it ends the localpart). Errors: the kJid… codes, each naming which of the ways it
  // failed.
  static Result<Jid> parse(std::string_view text);

  // From its parts; an empty `local` or `resource` means that there is none.
  static Result<Jid> make(std::string_view local, std::string_view domain,
                          std::string_view resource = {});

  std::string_view local() const noexcept { return std::string_view(text_).substr(0, local_size_); }
  std::string_view domain() const noexcept {
    const std::size_t start = local_size_ == 0 ? 0 : local_size_ + 1U;
    return std::string_view(text_).substr(start, bare_size_ - start);
  }
  // Empty for a bare JID.
  std::string_view resource() const noexcept {
    return is_full() ? std::string_view(text_).substr(bare_size_ + 1U) : std::string_view{};
  }
  bool has_local() const noexcept { return local_size_ != 0; }
  bool is_full() const noexcept { return bare_size_ < text_.size(); }
  bool is_bare() const noexcept { return !is_full(); }

  // The whole address as it is written.
  const std::string& str() const noexcept { return text_; }
  // The address without its resourcepart, as a view and as a JID.
  std::string_view bare_str() const noexcept {
    return std::string_view(text_).substr(0, bare_size_);
  }
  Jid bare() const;
  // The domainpart alone, as a JID.
  Jid domain_jid() const;
  // This bare JID with a resourcepart, which is prepared; empty gives the bare JID.
  Result<Jid> with_resource(std::string_view resource) const;
  bool same_bare(const Jid& other) const noexcept { return bare_str() == other.bare_str(); }

  friend bool operator==(const Jid& a, const Jid& b) noexcept { return a.text_ == b.text_; }
  friend std::strong_ordering operator<=>(const Jid& a, const Jid& b) noexcept {
    return a.text_ <=> b.text_;
  }

 private:
  Jid(std::string text, std::uint16_t local_size, std::uint16_t bare_size)
      : text_(std::move(text)), local_size_(local_size), bare_size_(bare_size) {}

  std::string text_;
  std::uint16_t local_size_;  // bytes of the localpart; 0: none
  std::uint16_t bare_size_;   // bytes of local@domain
};

// Escaping of characters that a localpart may not hold (XEP-0106 §3.2, §4.2): "a b" is "a\20b". A
// backslash becomes "\5c" only where an escape sequence would be read into it. The result is not
// prepared yet: give it to Jid::make().
// Errors: kJidLocalForbidden when `text` starts or ends with a space, as "\20" may not stand there.
Result<std::string> escape_localpart(std::string_view text);
// The reverse, for display and gateways (XEP-0106 §3.3). What is no escape sequence stays, and so
// does "\20" at either end.
std::string unescape_localpart(std::string_view local);

}  // namespace balcony

template <>
struct std::hash<balcony::Jid> {
  std::size_t operator()(const balcony::Jid& jid) const noexcept {
    return std::hash<std::string_view>{}(jid.str());
  }
};
