#include "net/json_reader.h"

#include <algorithm>
#include <charconv>

namespace balcony {
namespace {

std::unexpected<Error> malformed(const char* why) {
  return fail(Errc::kMalformed, std::string("JSON: ") + why);
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
  }
  byte(0x80 | (point & 0x3F));
}

}  // namespace

void JsonReader::skip_space() {
  const std::size_t at = rest_.find_first_not_of(" \t\r\n");
  rest_.remove_prefix(std::min(at, rest_.size()));
}

bool JsonReader::take_if(char mark) {
  skip_space();
  if (!rest_.starts_with(mark)) return false;
  rest_.remove_prefix(1);
  return true;
}

Result<> JsonReader::take(char mark) {
  if (take_if(mark)) return {};
  return malformed("another sign is expected");
}

bool JsonReader::at_end() {
  skip_space();
  return rest_.empty();
}

Result<std::string> JsonReader::string() {
  BALCONY_CHECK(take('"'));
  std::string out;
  while (!rest_.empty()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') return out;
    if (static_cast<unsigned char>(c) < 0x20) return malformed("a control character in a string");
    if (c == '\\') {
      BALCONY_CHECK(escape(out));
    } else {
      out += c;
    }
  }
  return malformed("a string has no end");
}

// RFC 8259 §7.
Result<> JsonReader::escape(std::string& out) {
  if (rest_.empty()) return malformed("a string has no end");
  const char c = rest_.front();
  rest_.remove_prefix(1);
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  if (const std::size_t at = kNames.find(c); at != std::string_view::npos) {
    out += kValues[at];
    return {};
  }
  if (c != 'u') return malformed("an escape that is none");
  BALCONY_ASSIGN(std::uint32_t point, four_digits());
  if (point >= 0xD800 && point < 0xDC00 && rest_.starts_with("\\u")) {
    rest_.remove_prefix(2);
    BALCONY_ASSIGN(const std::uint32_t low, four_digits());
    if (low < 0xDC00 || low > 0xDFFF) return malformed("half of a surrogate pair");
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  if (point >= 0xD800 && point < 0xE000) return malformed("half of a surrogate pair");
  append_utf8(out, point);
  return {};
}

Result<std::uint32_t> JsonReader::four_digits() {
  std::uint32_t value = 0;
  const std::string_view digits = rest_.substr(0, 4);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + 4) return malformed("an escape that is none");
  rest_.remove_prefix(4);
  return value;
}

Result<std::uint64_t> JsonReader::number() {
  skip_space();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  const auto size = static_cast<std::size_t>(end - rest_.data());
  const bool goes_on = size < rest_.size() && std::string_view(".eE").contains(rest_[size]);
  constexpr std::uint64_t kMax = std::uint64_t{1} << 53;
  if (error != std::errc() || goes_on || value > kMax) return malformed("a number is expected");
  rest_.remove_prefix(size);
  return value;
}

Result<> JsonReader::skip_scalar() {
  skip_space();
  if (rest_.starts_with('"')) {
    BALCONY_CHECK(string());
    return {};
  }
  const std::size_t size = std::min(rest_.find_first_of(" \t\r\n,]}:"), rest_.size());
  const std::string_view word = rest_.substr(0, size);
  constexpr std::string_view kDigits = "0123456789+-.eE";
  const bool is_number = !word.empty() && word.find_first_not_of(kDigits) == std::string_view::npos;
  if (!is_number && word != "true" && word != "false" && word != "null") {
    return malformed("a value is expected");
  }
  rest_.remove_prefix(size);
  return {};
}

Result<> JsonReader::skip() {
  constexpr std::size_t kDepthMax = 32;
  std::string open;  // what ends the arrays and objects around
  do {
    if (!open.empty() && take_if(open.back())) {
      open.pop_back();
    } else {
      // In front of a value: its name, where it is an object's.
      if (!open.empty() && open.back() == '}') {
        BALCONY_CHECK(string());
        BALCONY_CHECK(take(':'));
      }
      const char mark = take_if('{') ? '}' : take_if('[') ? ']' : '\0';
      if (mark != '\0') {
        if (open.size() == kDepthMax) return malformed("nested too deep");
        open += mark;
        continue;
      }
      BALCONY_CHECK(skip_scalar());
    }
    // Behind a value: a comma where another one follows.
    if (!open.empty() && !take_if(',')) {
      skip_space();
      if (!rest_.starts_with(open.back())) return malformed("a comma is expected");
    }
  } while (!open.empty());
  return {};
}

}  // namespace balcony
