#include "gateway/mail/html_entity.h"

#include "precis/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kLengthMax = 10;  // between & and ;

// Those that mail programs write; what is not here stays as it stands.
using Entity = std::pair<std::string_view, char32_t>;
constexpr std::array<Entity, 64> kEntities = {{
    {"AElig", 0xc6},  {"Aring", 0xc5},   {"Auml", 0xc4},    {"Eacute", 0xc9},  {"Ouml", 0xd6},
    {"Oslash", 0xd8}, {"Uuml", 0xdc},    {"aacute", 0xe1},  {"acirc", 0xe2},   {"aelig", 0xe6},
    {"agrave", 0xe0}, {"amp", '&'},      {"apos", '\''},    {"aring", 0xe5},   {"atilde", 0xe3},
    {"auml", 0xe4},   {"bull", 0x2022},  {"ccedil", 0xe7},  {"cent", 0xa2},    {"copy", 0xa9},
    {"deg", 0xb0},    {"eacute", 0xe9},  {"ecirc", 0xea},   {"egrave", 0xe8},  {"emsp", 0x2003},
    {"ensp", 0x2002}, {"euml", 0xeb},    {"euro", 0x20ac},  {"gt", '>'},       {"hellip", 0x2026},
    {"iacute", 0xed}, {"icirc", 0xee},   {"iexcl", 0xa1},   {"igrave", 0xec},  {"iquest", 0xbf},
    {"iuml", 0xef},   {"laquo", 0xab},   {"larr", 0x2190},  {"ldquo", 0x201c}, {"lsquo", 0x2018},
    {"lt", '<'},      {"mdash", 0x2014}, {"middot", 0xb7},  {"nbsp", ' '},     {"ndash", 0x2013},
    {"ntilde", 0xf1}, {"oacute", 0xf3},  {"ocirc", 0xf4},   {"ograve", 0xf2},  {"oslash", 0xf8},
    {"otilde", 0xf5}, {"ouml", 0xf6},    {"pound", 0xa3},   {"quot", '"'},     {"raquo", 0xbb},
    {"rarr", 0x2192}, {"rdquo", 0x201d}, {"rsquo", 0x2019}, {"szlig", 0xdf},   {"trade", 0x2122},
    {"uacute", 0xfa}, {"ugrave", 0xf9},  {"uuml", 0xfc},    {"zwnj", 0},
}};

// A number as HTML has it; nothing is a control character or half a character.
char32_t code_point(std::string_view digits) {
  const bool hex = digits.starts_with('x') || digits.starts_with('X');
  if (hex) digits.remove_prefix(1);
  std::uint32_t value = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  const bool whole = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
  if (!whole || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0xfffd;
  if (value == '\n' || value == '\t' || value == 0xa0) return ' ';
  return value < 0x20 || (value >= 0x7f && value < 0xa0) ? 0xfffd : value;
}

}  // namespace

std::size_t decode_entity(std::string_view text, std::string& out) {
  const std::size_t end = text.substr(0, kLengthMax + 2).find(';');
  if (end != std::string_view::npos && end > 1) {
    const std::string_view name = text.substr(1, end - 1);
    if (name.starts_with('#')) {
      append_utf8(out, code_point(name.substr(1)));
      return end + 1;
    }
    const auto* const found = std::ranges::find(kEntities, name, &Entity::first);
    if (found != kEntities.end()) {
      if (found->second != 0) append_utf8(out, found->second);
      return end + 1;
    }
  }
  out += '&';
  return 1;
}

}  // namespace balcony::gateway::mail
