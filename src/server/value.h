// Value: what goes into a command and comes out of it, and its form as JSON. The one place that
// knows a JSON library is value.cc.
//
// Used by commands, the control socket and balconyctl. Plain values; any thread.
#pragma once

#include <balcony/result.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace balcony::server {

class Value {
 public:
  struct Member;
  using List = std::vector<Value>;
  using Members = std::vector<Member>;  // in the order in which they are shown

  // Defined below, where a Member is complete: a variant of them can be neither made nor destroyed
  // before.
  Value();  // null
  Value(std::string text);
  Value(std::string_view text);
  Value(const char* text);
  Value(List list);
  Value(Members members);
  template <class Number>
    requires std::integral<Number>
  Value(Number number);
  static Value texts(const std::vector<std::string>& items);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* flag() const { return std::get_if<bool>(&data_); }
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&data_); }
  const std::string* text() const { return std::get_if<std::string>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  const Members* members() const { return std::get_if<Members>(&data_); }
  // The member of this name; null when there is none or this has no members.
  const Value* find(std::string_view name) const;
  // The same as a text or a number; empty or 0 when it is not there or another type.
  std::string text_of(std::string_view name) const;
  std::int64_t number_of(std::string_view name) const;
  // Sets a member. This must be null or have members.
  void set(std::string_view name, Value value);

 private:
  std::variant<std::monostate, bool, std::int64_t, std::string, List, Members> data_;
};

struct Value::Member {
  std::string name;
  Value value;
};

inline Value::Value() = default;
inline Value::Value(std::string text) : data_(std::move(text)) {}
inline Value::Value(std::string_view text) : data_(std::string(text)) {}
inline Value::Value(const char* text) : data_(std::string(text)) {}
inline Value::Value(List list) : data_(std::move(list)) {}

template <class Number>
  requires std::integral<Number>
Value::Value(Number number) {
  if constexpr (std::same_as<Number, bool>) {
    data_ = number;
  } else {
    data_ = static_cast<std::int64_t>(number);
  }
}

// On one line, without a line feed at its end. Bytes that are no UTF-8 become U+FFFD.
std::string to_json(const Value& value);
// Errors: kMalformed for what is no JSON, nests deeper than 32, or holds a fraction.
Result<Value> parse_json(std::string_view text);

}  // namespace balcony::server
