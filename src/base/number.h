// Numbers that peers, files and people write.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace balcony {

// The number that `text` is, in decimal: the whole of it, without white space or a plus sign.
// Nothing when it is no such number or does not fit into Number.
template <std::integral Number>
std::optional<Number> read_number(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace balcony
