// XEP-0106: JID Escaping, version 1.1.1.
#include <balcony/jid.h>

#include <cstddef>

namespace balcony {
namespace {

struct Escape {
  char plain;
  std::string_view hex;
};
constexpr Escape kEscapes[] = {{' ', "20"}, {'"', "22"}, {'&', "26"}, {'\'', "27"}, {'/', "2f"},
                               {':', "3a"}, {'<', "3c"}, {'>', "3e"}, {'@', "40"},  {'\\', "5c"}};

// The escape whose two digits `text` starts with, or null. Case is significant (§3.1).
const Escape* starts_with_hex(std::string_view text) {
  for (const Escape& escape : kEscapes) {
    if (text.starts_with(escape.hex)) return &escape;
  }
  return nullptr;
}

const Escape* escape_of(char c) {
  for (const Escape& escape : kEscapes) {
    if (escape.plain == c) return &escape;
  }
  return nullptr;
}

}  // namespace

Result<std::string> escape_localpart(std::string_view text) {
  if (text.starts_with(' ') || text.ends_with(' ')) {  // XEP-0106 §3.2, §4.1 rule 6
    return fail(Errc::kJidLocalForbidden, "an escaped space may not stand at the start or end");
  }
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const Escape* escape = escape_of(c);
    // §4.2 step 3: a backslash only where what follows would make it an escape sequence.
    const bool needed = escape && (c != '\\' || starts_with_hex(text.substr(at + 1)));
    if (needed) {
      escaped.append(1, '\\').append(escape->hex);
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

std::string unescape_localpart(std::string_view local) {
  std::string plain;
  plain.reserve(local.size());
  for (std::size_t at = 0; at < local.size(); ++at) {
    const Escape* escape = local[at] == '\\' ? starts_with_hex(local.substr(at + 1)) : nullptr;
    const bool at_end = at == 0 || at + 3 == local.size();
    if (escape && !(escape->plain == ' ' && at_end)) {
      plain.push_back(escape->plain);
      at += 2;
    } else {
      plain.push_back(local[at]);
    }
  }
  return plain;
}

}  // namespace balcony
