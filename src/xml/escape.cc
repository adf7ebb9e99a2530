#include "xml/escape.h"

#include "xml/chars.h"

#include <algorithm>

namespace balcony::xml {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// What stands for a byte that cannot stand for itself; empty when it can.
std::string_view escaped(char c, bool attribute) {
  switch (c) {
    case '<': return "&lt;";
    case '>': return attribute ? std::string_view{} : "&gt;";
    case '&': return "&amp;";
    case '\'': return attribute ? "&apos;" : std::string_view{};
    case '"': return attribute ? "&quot;" : std::string_view{};
    // A parser makes spaces of these in attributes, and line feeds of CR in text (XML 1.0 §3.3.3,
    // §2.11), but leaves references alone.
    case '\t': return attribute ? "&#9;" : std::string_view{};
    case '\n': return attribute ? "&#10;" : std::string_view{};
    case '\r': return "&#13;";
    default: return chars::byte(c) < 0x20 ? kReplacement : std::string_view{};
  }
}

// How many bytes from `p` on are no character and get one U+FFFD: what begins well and goes wrong
// is one (Unicode §3.9, "maximal subpart").
std::size_t bad_bytes(const char* p, const char* end) {
  chars::Utf8 utf8;
  if (!utf8.begin(chars::byte(*p))) return 1;
  const char* q = p + 1;
  while (utf8.left != 0 && q != end && utf8.next(chars::byte(*q))) ++q;
  return static_cast<std::size_t>(q - p);
}

template <bool kAttribute>
void put_escaped(Sink& sink, std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* from = p;  // not written yet
  while (true) {
    p = kAttribute ? chars::skip_unescaped_value(p, end) : chars::skip_unescaped_text(p, end);
    if (p == end) break;
    std::string_view instead;
    std::size_t size = 1;
    if (chars::is_high(*p)) {
      const char* const after = chars::skip_high(p, end);
      if (after != p) {
        p = after;
        continue;
      }
      instead = kReplacement;
      size = bad_bytes(p, end);
    } else {
      instead = escaped(*p, kAttribute);
      if (instead.empty()) {
        ++p;
        continue;
      }
    }
    sink.put_all(std::string_view(from, p), instead);
    p += size;
    from = p;
  }
  sink.put({from, p});
}

// Whether nothing in it has to be replaced: ASCII only, others are looked at one by one.
bool is_plain_name(std::string_view name) {
  if (name.empty() || !chars::is(name.front(), chars::kNameStart)) return false;
  return std::ranges::all_of(name, [](char c) { return chars::is(c, chars::kNameChar); });
}

bool is_plain_value(std::string_view value) {
  const char* const end = value.data() + value.size();
  return chars::skip_unescaped_value(value.data(), end) == end;
}

}  // namespace

void put_text(Sink& sink, std::string_view text) {
  put_escaped<false>(sink, text);
}

void put_value(Sink& sink, std::string_view value) {
  put_escaped<true>(sink, value);
}

void put_attribute(Sink& sink, std::string_view name, std::string_view value) {
  if (is_plain_name(name) && is_plain_value(value)) {
    return sink.put_all(" ", name, "='", value, "'");
  }
  sink.put(' ');
  put_name(sink, name);
  sink.put_all("='");
  put_value(sink, value);
  sink.put('\'');
}

void put_name(Sink& sink, std::string_view name) {
  if (is_plain_name(name)) return sink.put(name);
  const char* p = name.data();
  const char* const end = p + name.size();
  if (p == end) sink.put(kReplacement);
  for (bool start = true; p != end; start = false) {
    std::size_t size = 1;
    bool good = chars::is(*p, start ? chars::kNameStart : chars::kNameChar);
    if (chars::is_high(*p)) {
      chars::Utf8 utf8;
      size = bad_bytes(p, end);
      good = utf8.begin(chars::byte(*p));
      for (std::size_t i = 1; good && i < size; ++i) good = utf8.next(chars::byte(p[i]));
      good = good && utf8.left == 0 &&
             (start ? chars::is_high_name_start(utf8.code) : chars::is_high_name_char(utf8.code));
    }
    sink.put(good ? std::string_view(p, size) : kReplacement);
    p += size;
  }
}

}  // namespace balcony::xml
