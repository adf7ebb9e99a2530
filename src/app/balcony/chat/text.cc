#include "app/balcony/chat/text.h"

#include "precis/utf8.h"

#include <algorithm>
#include <cwchar>

namespace balcony::cli::chat {
namespace {

// Where a line that begins at `start` ends, and where the next one begins.
struct Break {
  std::size_t end;
  std::size_t next;
};

Break find_break(std::u32string_view text, std::size_t start, int columns) {
  int used = 0;
  std::size_t space = std::u32string_view::npos;
  for (std::size_t at = start; at < text.size(); ++at) {
    if (text[at] == U'\n') return {at, at + 1};
    if (text[at] == U' ') space = at;
    used += width_of(text[at]);
    if (used <= columns) continue;
    if (space != std::u32string_view::npos && space > start) return {space, space + 1};
    // One character at least, also where it is wider than the line.
    const std::size_t end = std::max(at, start + 1);
    return {end, end};
  }
  return {text.size(), text.size()};
}

}  // namespace

int width_of(char32_t character) {
  return std::max(0, ::wcwidth(static_cast<wchar_t>(character)));
}

int width_of(std::u32string_view text) {
  int width = 0;
  for (const char32_t character : text) width += width_of(character);
  return width;
}

int width_of(std::string_view utf8) {
  return width_of(decode_utf8(utf8).value_or(U""));
}

std::string fit(std::string_view utf8, int columns) {
  if (columns <= 0) return {};
  const std::u32string text = decode_utf8(utf8).value_or(U"?");
  if (width_of(text) <= columns) return std::string(utf8);
  std::string cut;
  int used = 1;  // the dots
  for (const char32_t character : text) {
    used += width_of(character);
    if (used > columns) break;
    append_utf8(cut, character);
  }
  return cut + "…";
}

std::vector<std::string> wrap(std::string_view utf8, int columns) {
  const std::u32string text = decode_utf8(utf8).value_or(U"?");
  std::vector<std::string> lines;
  std::size_t start = 0;
  do {
    const Break at = find_break(text, start, std::max(1, columns));
    lines.push_back(encode_utf8(std::u32string_view(text).substr(start, at.end - start)));
    start = at.next;
  } while (start < text.size());
  return lines;
}

}  // namespace balcony::cli::chat
