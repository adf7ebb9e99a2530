#include "server/config_tree.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

namespace balcony::server {
namespace {

ConfigPlace place_of(const toml::source_region& region, const std::string& source) {
  return {source, region.begin.line, region.begin.column};
}

// The depth is bounded: toml++ refuses what is nested deeper than 256.
ConfigNode to_node(const toml::node& from, const std::string& source) {
  ConfigNode to;
  to.place = place_of(from.source(), source);
  if (const auto* flag = from.as_boolean()) {
    to.value = flag->get();
  } else if (const auto* number = from.as_integer()) {
    to.value = number->get();
  } else if (const auto* text = from.as_string()) {
    to.value = text->get();
  } else if (const auto* array = from.as_array()) {
    ConfigNode::Array items;
    for (const toml::node& item : *array) items.push_back(to_node(item, source));
    to.value = std::move(items);
  } else if (const auto* table = from.as_table()) {
    ConfigNode::Table entries;
    for (const auto& [key, value] : *table) {
      entries.push_back(
          {std::string(key.str()), place_of(key.source(), source), to_node(value, source)});
    }
    to.value = std::move(entries);
  }
  return to;
}

}  // namespace

std::string ConfigPlace::to_string() const {
  if (line == 0) return source;
  return source + ':' + std::to_string(line) + ':' + std::to_string(column);
}

const ConfigNode::Entry* ConfigNode::find(std::string_view name) const {
  const Table* entries = table();
  if (!entries) return nullptr;
  const auto found = std::ranges::find(*entries, name, &Entry::name);
  return found == entries->end() ? nullptr : &*found;
}

ConfigNode::Entry& ConfigNode::entry(std::string_view name, const ConfigPlace& at) {
  Table& entries = std::get<Table>(value);
  const auto found = std::ranges::find(entries, name, &Entry::name);
  if (found != entries.end()) return *found;
  entries.push_back({std::string(name), at, ConfigNode{at, Table{}}});
  return entries.back();
}

Result<ConfigNode> parse_toml(std::string_view text, const std::string& source) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return to_node(parsed.table(), source);
  const toml::parse_error& error = parsed.error();
  return fail(Errc::kConfig, place_of(error.source(), source).to_string() + ": " +
                                 std::string(error.description()));
}

void ConfigProblems::add(const ConfigPlace& place, std::string sentence) {
  // What comes from the environment or the command line stands behind the file.
  const auto order = [](const Problem& problem) {
    return std::tuple(problem.place.line == 0, problem.place.line, problem.place.column);
  };
  Problem problem{place, std::move(sentence)};
  const auto at = std::ranges::upper_bound(problems_, order(problem), {}, order);
  problems_.insert(at, std::move(problem));
}

Error ConfigProblems::error() const {
  std::string all;
  for (const Problem& problem : problems_) {
    if (!all.empty()) all += '\n';
    all += problem.place.to_string() + ": " + problem.sentence;
  }
  return Error(Errc::kConfig, std::move(all));
}

}  // namespace balcony::server
