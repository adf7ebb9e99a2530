#include "server/config_overrides.h"

#include "base/ascii.h"
#include "base/number.h"
#include "server/config_tables.h"

#include <algorithm>
#include <optional>

namespace balcony::server {
namespace {

constexpr std::string_view kPrefix = "BALCONY_";

const OptionTable* table_of(std::string_view section) {
  if (section.empty()) return &top_options();
  const auto found = std::ranges::find(config_sections(), section, &ConfigSection::name);
  return found == config_sections().end() ? nullptr : found->table;
}

// Section and key of a variable's name without the prefix; nothing when it is not ours.
std::optional<ConfigOverride> match(std::string_view name) {
  const std::string key = ascii_lower(name);
  if (top_options().find(key)) return ConfigOverride{"", key, "", ""};
  for (const ConfigSection& section : config_sections()) {
    if (!key.starts_with(std::string(section.name) + '_')) continue;
    return ConfigOverride{std::string(section.name), key.substr(section.name.size() + 1), "", ""};
  }
  return std::nullopt;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

// The text as the type that the option wants. What does not fit stays a text: reading complains.
ConfigNode to_node(const ConfigOverride& from, const ConfigPlace& place) {
  const OptionTable* table = table_of(from.section);
  const OptionSpec* spec = table ? table->find(from.key) : nullptr;
  ConfigNode node{place, from.value};
  if (!spec) return node;
  if (spec->type == OptionType::kBool && (from.value == "true" || from.value == "false")) {
    node.value = from.value == "true";
  } else if (spec->type == OptionType::kInteger) {
    if (const auto number = read_number<std::int64_t>(from.value)) node.value = *number;
  } else if (spec->type == OptionType::kList) {
    ConfigNode::Array items;
    for (std::string& item : split(from.value)) items.push_back({place, std::move(item)});
    node.value = std::move(items);
  }
  return node;
}

}  // namespace

std::vector<ConfigOverride> environment_overrides(const char* const* environment) {
  std::vector<ConfigOverride> found;
  for (; *environment; ++environment) {
    const std::string_view line(*environment);
    const std::size_t equals = line.find('=');
    if (!line.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    auto override = match(line.substr(kPrefix.size(), equals - kPrefix.size()));
    if (!override) continue;
    override->value = line.substr(equals + 1);
    override->source = line.substr(0, equals);
    found.push_back(*std::move(override));
  }
  return found;
}

void apply_overrides(const std::vector<ConfigOverride>& overrides, ConfigNode& tree) {
  for (const ConfigOverride& override : overrides) {
    const ConfigPlace place{override.source, 0, 0};
    ConfigNode* table = &tree;
    if (!override.section.empty()) {
      table = &tree.entry(override.section, place).node;
      // A section that is none in the file: reading complains of it.
      if (!table->table()) continue;
    }
    ConfigNode::Entry& entry = table->entry(override.key, place);
    entry.place = place;
    entry.node = to_node(override, place);
  }
}

}  // namespace balcony::server
