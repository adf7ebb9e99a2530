#include "server/value.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace balcony::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDepthMax = 32;

// Whether brackets nest no deeper than allowed: what follows may then recurse.
bool is_shallow(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

Json to_library(const Value& value) {
  if (const auto* flag = value.flag()) return *flag;
  if (const auto* number = value.number()) return *number;
  if (const auto* text = value.text()) return *text;
  if (const auto* list = value.list()) {
    Json out = Json::array();
    for (const Value& item : *list) out.push_back(to_library(item));
    return out;
  }
  if (const auto* members = value.members()) {
    Json out = Json::object();
    for (const Value::Member& member : *members) out[member.name] = to_library(member.value);
    return out;
  }
  return nullptr;
}

// False for what a Value cannot hold.
bool from_library(const Json& from, Value& to) {
  if (from.is_boolean()) {
    to = from.get<bool>();
  } else if (from.is_number_unsigned() &&
             from.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    return false;
  } else if (from.is_number_integer()) {
    to = from.get<std::int64_t>();
  } else if (from.is_string()) {
    to = from.get<std::string>();
  } else if (from.is_array()) {
    Value::List items(from.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!from_library(from[i], items[i])) return false;
    }
    to = std::move(items);
  } else if (from.is_object()) {
    Value::Members members;
    for (const auto& [name, item] : from.items()) {
      members.push_back({name, {}});
      if (!from_library(item, members.back().value)) return false;
    }
    to = std::move(members);
  } else {
    return from.is_null();
  }
  return true;
}

}  // namespace

Value::Value(Members members) : data_(std::move(members)) {}

Value Value::texts(const std::vector<std::string>& items) {
  return List(items.begin(), items.end());
}

const Value* Value::find(std::string_view name) const {
  const Members* all = members();
  if (!all) return nullptr;
  const auto found = std::ranges::find(*all, name, &Member::name);
  return found == all->end() ? nullptr : &found->value;
}

std::string Value::text_of(std::string_view name) const {
  const Value* member = find(name);
  return member && member->text() ? *member->text() : "";
}

std::int64_t Value::number_of(std::string_view name) const {
  const Value* member = find(name);
  return member && member->number() ? *member->number() : 0;
}

void Value::set(std::string_view name, Value value) {
  if (is_null()) data_ = Members{};
  auto& all = std::get<Members>(data_);
  const auto found = std::ranges::find(all, name, &Member::name);
  if (found != all.end()) {
    found->value = std::move(value);
  } else {
    all.push_back({std::string(name), std::move(value)});
  }
}

std::string to_json(const Value& value) {
  return to_library(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Value> parse_json(std::string_view text) {
  if (!is_shallow(text)) return fail(Errc::kMalformed, "the JSON nests too deep");
  const Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return fail(Errc::kMalformed, "this is no JSON");
  Value value;
  if (!from_library(parsed, value)) return fail(Errc::kMalformed, "only whole numbers are taken");
  return value;
}

}  // namespace balcony::server
