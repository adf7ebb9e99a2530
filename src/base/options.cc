#include "base/options.h"

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

namespace balcony {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + '"';
}

std::string format_number(OptionType type, std::int64_t number) {
  if (type == OptionType::kDuration) return format_duration(number);
  if (type == OptionType::kBytes) return format_bytes(number);
  return std::to_string(number);
}

// "a", "b" or "c"
std::string list_choices(const std::vector<std::string>& choices) {
  std::string out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
    out += in_quotes(choices[i]);
  }
  return out;
}

std::string_view expectation(OptionType type) {
  switch (type) {
    case OptionType::kBool: return "true or false";
    case OptionType::kInteger: return "a whole number";
    case OptionType::kText: return "a text in quotes";
    case OptionType::kDuration: return "a duration such as \"90s\", \"5m\" or \"12h\"";
    case OptionType::kBytes: return "a size such as \"256KiB\" or \"10MB\"";
    case OptionType::kList: return "a list of texts such as [\"a\", \"b\"]";
  }
  return "";
}

std::optional<std::int64_t> number_of(const OptionSpec& spec, const OptionValue& value,
                                      Result<>& problem) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  const auto* text = std::get_if<std::string>(&value);
  if (!text || spec.type == OptionType::kInteger) return std::nullopt;
  const auto parsed =
      spec.type == OptionType::kDuration ? parse_duration_seconds(*text) : parse_bytes(*text);
  if (parsed) return *parsed;
  problem = fail(parsed.error());
  return std::nullopt;
}

Result<> set_number(const OptionSpec& spec, void* options, const OptionValue& value) {
  Result<> problem = fail(Errc::kConfig, "must be " + std::string(expectation(spec.type)));
  const auto number = number_of(spec, value, problem);
  if (!number) return problem;
  if (*number < spec.min || *number > spec.max) {
    return fail(Errc::kConfig, "must be between " + format_number(spec.type, spec.min) + " and " +
                                   format_number(spec.type, spec.max));
  }
  spec.set(options, *number);
  return {};
}

Result<> set_text(const OptionSpec& spec, void* options, const OptionValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  const bool allowed = text && (spec.choices.empty() ||
                                std::ranges::find(spec.choices, *text) != spec.choices.end());
  if (!allowed) {
    return fail(Errc::kConfig,
                "must be " + (spec.choices.empty() ? std::string(expectation(spec.type))
                                                   : list_choices(spec.choices)));
  }
  spec.set(options, *text);
  return {};
}

}  // namespace

const OptionSpec* OptionTable::find(std::string_view name) const {
  const auto found = std::ranges::find(options, name, &OptionSpec::name);
  return found == options.end() ? nullptr : &*found;
}

Result<> set_option(const OptionSpec& spec, void* options, const OptionValue& value) {
  switch (spec.type) {
    case OptionType::kInteger:
    case OptionType::kDuration:
    case OptionType::kBytes: return set_number(spec, options, value);
    case OptionType::kText: return set_text(spec, options, value);
    case OptionType::kBool:
      if (!std::holds_alternative<bool>(value)) break;
      spec.set(options, value);
      return {};
    case OptionType::kList:
      if (!std::holds_alternative<std::vector<std::string>>(value)) break;
      spec.set(options, value);
      return {};
  }
  return fail(Errc::kConfig, "must be " + std::string(expectation(spec.type)));
}

std::string format_option(const OptionSpec& spec, const OptionValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    const std::string written = format_number(spec.type, *number);
    return spec.type == OptionType::kInteger ? written : in_quotes(written);
  }
  std::string out = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(value)) {
    if (out.size() > 1) out += ", ";
    out += in_quotes(item);
  }
  return out + "]";
}

std::string describe_type(const OptionSpec& spec) {
  const std::string range =
      ", " + format_number(spec.type, spec.min) + " to " + format_number(spec.type, spec.max);
  switch (spec.type) {
    case OptionType::kBool: return "true or false";
    case OptionType::kInteger: return "integer" + range;
    case OptionType::kDuration: return "duration" + range;
    case OptionType::kBytes: return "size" + range;
    case OptionType::kText: return spec.choices.empty() ? "text" : list_choices(spec.choices);
    case OptionType::kList: return "list of texts";
  }
  return "";
}

namespace {

// Levenshtein's distance in which two neighbours that changed places count as one mistake.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, other});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view unknown, const std::vector<std::string>& names) {
  constexpr std::size_t kNameBytesMax = 100;  // a longer one is no slip of the finger
  if (unknown.size() > kNameBytesMax) return {};
  std::string nearest;
  std::size_t least = std::max<std::size_t>(1, unknown.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t far = distance(unknown, name);
    if (far < least) {
      least = far;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace balcony
