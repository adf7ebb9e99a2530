#include "gateway/mail/quoting.h"

#include "base/ascii.h"
#include "precis/utf8.h"

#include <algorithm>
#include <vector>

namespace balcony::gateway::mail {
namespace {

// RFC 3676 §4.3: two hyphens and a space; many programs lose the space.
bool is_signature_mark(std::string_view line) {
  return line == "-- " || line == "--";
}

bool is_quoted(std::string_view line) {
  return line.starts_with('>');
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// "On 23 November, Juliet <j@capulet.example> wrote:", which stands before a quotation: the words
// differ, a date or an address and the colon do not.
bool names_somebody(std::string_view line) {
  return line.size() < 300 && line.find_first_of("0123456789@") != std::string_view::npos;
}

bool ends_with_colon(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t");
  return last != std::string_view::npos && line[last] == ':';
}

// A control character, one of XML that may not be, or a sign that turns the direction of text
// around: the reader sees what there is.
bool is_unwanted(char32_t c) {
  if (c == '\n' || c == '\t') return false;
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto decoded = decode_utf8(text);
  if (!decoded) {
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x80 ? c : '?';
    std::erase_if(out, [](char c) { return is_unwanted(static_cast<unsigned char>(c)); });
    return out;
  }
  for (const char32_t c : *decoded) {
    if (!is_unwanted(c)) append_utf8(out, c);
  }
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

void cut_signature(std::vector<std::string_view>& lines) {
  const auto mark = std::ranges::find_if(lines, is_signature_mark);
  // One that begins with a signature has no other text.
  if (mark != lines.begin()) lines.erase(mark, lines.end());
}

void drop_blank_end(std::vector<std::string_view>& lines) {
  while (!lines.empty() && is_blank(lines.back())) lines.pop_back();
}

void cut_introduction(std::vector<std::string_view>& lines) {
  if (lines.empty() || !ends_with_colon(lines.back())) return;
  if (names_somebody(lines.back())) return lines.pop_back();
  // It may take two lines.
  if (lines.size() < 2 || lines.back().size() > 40 || !names_somebody(lines[lines.size() - 2])) {
    return;
  }
  lines.resize(lines.size() - 2);
}

// A quotation behind the text says nothing that a reader of the chat does not see above it.
void cut_last_quotation(std::vector<std::string_view>& lines) {
  std::size_t left = lines.size();
  while (left > 0 && (is_quoted(lines[left - 1]) || is_blank(lines[left - 1]))) --left;
  if (left == 0 || left == lines.size()) return;  // nothing else is there, or nothing is quoted
  std::vector<std::string_view> kept(lines.begin(),
                                     lines.begin() + static_cast<std::ptrdiff_t>(left));
  cut_introduction(kept);
  drop_blank_end(kept);
  if (!kept.empty()) lines = std::move(kept);
}

std::string folded(const std::vector<std::string_view>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size();) {
    std::size_t end = i;
    while (end < lines.size() && is_quoted(lines[end])) ++end;
    const std::size_t quoted = end - i;
    const std::size_t shown = quoted > kQuotedLinesKept + 1 ? kQuotedLinesKept : quoted;
    for (std::size_t k = 0; k < std::max<std::size_t>(shown, quoted == 0 ? 1 : 0); ++k) {
      out.append(lines[i + k]) += '\n';
    }
    if (shown < quoted) out += "> […]\n";
    i = quoted == 0 ? i + 1 : end;
  }
  while (out.ends_with('\n') || out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

std::string chat_text(std::string_view text, std::size_t bytes_max) {
  const std::string clean = cleaned(text);  // a CR is a control too
  std::vector<std::string_view> lines = split_lines(clean);
  cut_signature(lines);
  drop_blank_end(lines);
  cut_last_quotation(lines);
  drop_blank_end(lines);
  std::string out = folded(lines);
  out.erase(0, std::min(out.find_first_not_of('\n'), out.size()));
  if (out.size() <= bytes_max) return out;
  const std::string note =
      "\n[… " + std::to_string(out.size() - bytes_max) + " more bytes are not shown]";
  return std::string(cut_utf8(out, bytes_max - std::min(note.size(), bytes_max))) + note;
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : cleaned(text)) {
    const bool white = c == '\n' || c == '\t' || c == ' ';
    if (!white) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  std::string cut(cut_utf8(out, bytes_max));
  while (cut.ends_with(' ')) cut.pop_back();
  return cut;
}

std::string_view base_subject(std::string_view subject) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix : {"re:", "aw:", "sv:", "fwd:", "fw:"}) {
      if (!ascii_starts_with(subject, prefix)) continue;
      subject.remove_prefix(prefix.size());
      subject.remove_prefix(std::min(subject.find_first_not_of(' '), subject.size()));
      again = true;
    }
  }
  return subject;
}

}  // namespace balcony::gateway::mail
