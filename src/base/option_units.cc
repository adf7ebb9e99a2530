// Durations and sizes as people write them.
#include "base/options.h"

#include <charconv>
#include <limits>
#include <span>

namespace balcony {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Large first, as they are tried when writing.
constexpr Unit kDurations[] = {{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}};
constexpr Unit kSizes[] = {
    {"TiB", 1LL << 40}, {"TB", 1'000'000'000'000},
    {"GiB", 1LL << 30}, {"GB", 1'000'000'000},
    {"MiB", 1LL << 20}, {"MB", 1'000'000},
    {"KiB", 1LL << 10}, {"KB", 1'000},
    {"kB", 1'000},      {"B", 1},
};

Result<std::int64_t> parse(std::string_view text, std::span<const Unit> units,
                           std::string_view what) {
  const auto refuse = [what] { return fail(Errc::kConfig, "must be " + std::string(what)); };
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return refuse();
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty() && rest == end) return number;
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / known.factor) return refuse();
    return number * known.factor;
  }
  return refuse();
}

std::string format(std::int64_t number, std::span<const Unit> units) {
  std::string shortest;
  for (const Unit& unit : units) {
    if (number % unit.factor != 0) continue;
    std::string written = std::to_string(number / unit.factor) + std::string(unit.name);
    if (shortest.empty() || written.size() < shortest.size()) shortest = std::move(written);
  }
  return shortest;
}

}  // namespace

Result<std::int64_t> parse_duration_seconds(std::string_view text) {
  return parse(text, kDurations, "a duration such as \"90s\", \"5m\" or \"12h\"");
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  return parse(text, kSizes, "a size such as \"256KiB\" or \"10MB\"");
}

std::string format_duration(std::int64_t seconds) {
  return seconds == 0 ? "0s" : format(seconds, kDurations);
}

std::string format_bytes(std::int64_t bytes) {
  return bytes == 0 ? "0B" : format(bytes, kSizes);
}

}  // namespace balcony
