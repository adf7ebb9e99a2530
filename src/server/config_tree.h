// A configuration file as a tree: values with the place where each stands. The only thing that
// knows TOML is config_tree.cc; who reads the tree need not care whether a value came from the
// file, the environment or the command line.
//
// Used by config_reader.h. Plain values; any thread.
#pragma once

#include "base/options.h"

#include <balcony/result.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace balcony::server {

// Where something stands: "balcony.toml:3:5", or "BALCONY_LOG_LEVEL" for what has no line.
struct ConfigPlace {
  std::string source;
  unsigned line = 0;  // from 1; 0: none
  unsigned column = 0;

  std::string to_string() const;
};

struct ConfigNode {
  struct Entry;
  using Table = std::vector<Entry>;  // in order of the names
  using Array = std::vector<ConfigNode>;
  // What no option takes, such as a date or a fraction.
  struct Other {};

  ConfigPlace place;
  std::variant<Other, bool, std::int64_t, std::string, Array, Table> value;

  const Table* table() const { return std::get_if<Table>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  // The entry of a table; null when this is no table or has none of the name.
  const Entry* find(std::string_view name) const;
  // The entry of this table, made when it is not there. This must be a table.
  Entry& entry(std::string_view name, const ConfigPlace& at);
};

struct ConfigNode::Entry {
  std::string name;
  ConfigPlace place;  // of the name
  ConfigNode node;
};

// Reads TOML 1.0. `source`: the file's name, for places. Errors: kConfig "source:line:column: why".
Result<ConfigNode> parse_toml(std::string_view text, const std::string& source);

// What was found wrong, all of it: nobody wants to mend one mistake a start.
class ConfigProblems {
 public:
  void add(const ConfigPlace& place, std::string sentence);
  bool any() const { return !problems_.empty(); }
  // kConfig; one line a problem, "place: sentence", in the order of the file.
  Error error() const;

 private:
  struct Problem {
    ConfigPlace place;
    std::string sentence;
  };
  std::vector<Problem> problems_;  // in order
};

}  // namespace balcony::server
