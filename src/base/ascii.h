// The case of ASCII letters, whatever the locale: names of hosts, of headers, of commands. All
// other bytes stay as they are.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace balcony {

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ascii_lower(c);
  return lower;
}

// Whether `text` begins with `lower`, which has no capitals, in whatever case.
constexpr bool ascii_starts_with(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::ranges::equal(text.substr(0, lower.size()), lower,
                            [](char a, char b) { return ascii_lower(a) == b; });
}

}  // namespace balcony
