#include "server/config_section.h"

#include <algorithm>
#include <optional>

namespace balcony::server {
namespace {

constexpr std::size_t kNameShownMax = 60;

std::string shown(std::string_view name) {
  return '"' + std::string(name.substr(0, kNameShownMax)) + '"';
}

// As an option takes it; nothing for what no option takes.
std::optional<OptionValue> value_of(const ConfigNode& node) {
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag;
  if (const auto* number = std::get_if<std::int64_t>(&node.value)) return *number;
  if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
  const ConfigNode::Array* array = node.array();
  if (!array) return std::nullopt;
  std::vector<std::string> items;
  for (const ConfigNode& item : *array) {
    const auto* text = std::get_if<std::string>(&item.value);
    if (!text) return std::nullopt;
    items.push_back(*text);
  }
  return items;
}

void read_entry(const ConfigNode::Entry& entry, const OptionSpec& spec, void* options,
                const std::string& path, ConfigProblems& problems) {
  const auto value = value_of(entry.node);
  // A value that no option takes is refused with what this one takes.
  const OptionValue wrong = spec.type == OptionType::kBool ? OptionValue(std::int64_t{0}) : false;
  const auto set = set_option(spec, options, value.value_or(wrong));
  if (!set) problems.add(entry.node.place, path + spec.name + ' ' + set.error().detail);
}

}  // namespace

std::string did_you_mean(std::string_view unknown, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(unknown, names);
  return nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
}

void read_section(const ConfigNode& node, const OptionTable& table, void* options,
                  const std::string& title, const std::string& path,
                  const std::vector<std::string>& others, ConfigProblems& problems) {
  const ConfigNode::Table* entries = node.table();
  if (!entries) {
    problems.add(node.place, title + " must be a table");
    return;
  }
  std::vector<std::string> names = others;
  for (const OptionSpec& spec : table.options) names.push_back(spec.name);
  for (const ConfigNode::Entry& entry : *entries) {
    if (std::ranges::find(others, entry.name) != others.end()) continue;
    if (const OptionSpec* spec = table.find(entry.name)) {
      read_entry(entry, *spec, options, path, problems);
    } else {
      problems.add(entry.place, "unknown key " + shown(entry.name) + " in " + title +
                                    did_you_mean(entry.name, names));
    }
  }
}

}  // namespace balcony::server
