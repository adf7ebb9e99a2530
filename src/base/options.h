// Options declared as data: name, type, default, range and one sentence, bound to a member of a
// struct.
//
// From one declaration come: reading the configuration with errors that name the range, the
// generated reference page, `balconyctl module explain`. Modules and the server's own sections use
// the same.
//
//   struct PingOptions { bool send = false; std::chrono::seconds interval{60}; };
//   const OptionTable kTable = option_table<PingOptions>({
//       option("send", &PingOptions::send, "Ping clients that have gone quiet."),
//       option("interval", &PingOptions::interval, 5s, 1h, "Silence before a ping is sent."),
//   });
//
// Tables are built once and then only read, from any thread.
#pragma once

#include <balcony/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace balcony {

enum class OptionType : std::uint8_t {
  kBool,
  kInteger,
  kText,
  kDuration,  // "90s", "5m", "12h", "30d"; a plain number is seconds
  kBytes,     // "256KiB", "10MB"; a plain number is bytes
  kList,      // of texts
};

// A count of bytes as an option of its own type, so that "256KiB" can be written.
struct Bytes {
  std::uint64_t count = 0;
  constexpr operator std::uint64_t() const { return count; }
  friend constexpr bool operator==(Bytes, Bytes) = default;
};

// Durations are seconds, sizes bytes, both as the integer.
using OptionValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

struct OptionSpec {
  std::string name;
  OptionType type = OptionType::kText;
  std::string help;
  // For integers, durations and sizes: the range, ends included.
  std::int64_t min = 0;
  std::int64_t max = 0;
  // For texts: the allowed values; empty allows any.
  std::vector<std::string> choices;
  // Writes to and reads from the struct that the option is bound to.
  std::function<void(void* options, OptionValue value)> set;
  std::function<OptionValue(const void* options)> get;
};

// The options of one struct.
struct OptionTable {
  std::vector<OptionSpec> options;
  // A new struct with its defaults.
  std::function<std::shared_ptr<void>()> make;

  const OptionSpec* find(std::string_view name) const;
};

// Checks `value` against type, range and choices and stores it. Errors: kConfig with a sentence
// that names what is allowed, e.g. "must be between 5s and 1h".
Result<> set_option(const OptionSpec& spec, void* options, const OptionValue& value);

// "90s" → 90, "5m" → 300; "256KiB" → 262144, "10MB" → 10000000. Errors: kConfig.
Result<std::int64_t> parse_duration_seconds(std::string_view text);
Result<std::int64_t> parse_bytes(std::string_view text);
// The shortest way to write them, and a value as the configuration would hold it: `true`, `"5m"`,
// `["a"]`.
std::string format_duration(std::int64_t seconds);
std::string format_bytes(std::int64_t bytes);
std::string format_option(const OptionSpec& spec, const OptionValue& value);
// "integer, 1 to 65535"
std::string describe_type(const OptionSpec& spec);

// The nearest of `names` to a name that is unknown, for "did you mean"; empty when none is near.
std::string nearest_name(std::string_view unknown, const std::vector<std::string>& names);

// ---- declarations ----

template <class Owner>
OptionSpec option(std::string name, bool Owner::* member, std::string help) {
  OptionSpec spec{std::move(name), OptionType::kBool, std::move(help), 0, 1, {}, {}, {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = std::get<bool>(v);
  };
  spec.get = [member](const void* o) { return OptionValue(static_cast<const Owner*>(o)->*member); };
  return spec;
}

template <class Owner, class Number>
  requires std::is_integral_v<Number> && (!std::is_same_v<Number, bool>)
OptionSpec option(std::string name, Number Owner::* member, std::int64_t min, std::int64_t max,
                  std::string help) {
  OptionSpec spec{std::move(name), OptionType::kInteger, std::move(help), min, max, {}, {}, {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = static_cast<Number>(std::get<std::int64_t>(v));
  };
  spec.get = [member](const void* o) {
    return OptionValue(static_cast<std::int64_t>(static_cast<const Owner*>(o)->*member));
  };
  return spec;
}

template <class Owner>
OptionSpec option(std::string name, std::chrono::seconds Owner::* member, std::chrono::seconds min,
                  std::chrono::seconds max, std::string help) {
  OptionSpec spec{std::move(name),
                  OptionType::kDuration,
                  std::move(help),
                  min.count(),
                  max.count(),
                  {},
                  {},
                  {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = std::chrono::seconds(std::get<std::int64_t>(v));
  };
  spec.get = [member](const void* o) {
    return OptionValue(static_cast<std::int64_t>((static_cast<const Owner*>(o)->*member).count()));
  };
  return spec;
}

template <class Owner>
OptionSpec option(std::string name, Bytes Owner::* member, Bytes min, Bytes max, std::string help) {
  OptionSpec spec{std::move(name),
                  OptionType::kBytes,
                  std::move(help),
                  static_cast<std::int64_t>(min.count),
                  static_cast<std::int64_t>(max.count),
                  {},
                  {},
                  {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = Bytes{static_cast<std::uint64_t>(std::get<std::int64_t>(v))};
  };
  spec.get = [member](const void* o) {
    return OptionValue(static_cast<std::int64_t>((static_cast<const Owner*>(o)->*member).count));
  };
  return spec;
}

template <class Owner>
OptionSpec option(std::string name, std::string Owner::* member, std::string help,
                  std::vector<std::string> choices = {}) {
  OptionSpec spec{
      std::move(name), OptionType::kText, std::move(help), 0, 0, std::move(choices), {}, {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = std::get<std::string>(std::move(v));
  };
  spec.get = [member](const void* o) { return OptionValue(static_cast<const Owner*>(o)->*member); };
  return spec;
}

template <class Owner>
OptionSpec option(std::string name, std::vector<std::string> Owner::* member, std::string help) {
  OptionSpec spec{std::move(name), OptionType::kList, std::move(help), 0, 0, {}, {}, {}};
  spec.set = [member](void* o, OptionValue v) {
    static_cast<Owner*>(o)->*member = std::get<std::vector<std::string>>(std::move(v));
  };
  spec.get = [member](const void* o) { return OptionValue(static_cast<const Owner*>(o)->*member); };
  return spec;
}

template <class Owner>
OptionTable option_table(std::vector<OptionSpec> options) {
  return {std::move(options), [] { return std::shared_ptr<void>(std::make_shared<Owner>()); }};
}

}  // namespace balcony
