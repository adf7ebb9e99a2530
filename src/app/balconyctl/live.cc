#include "app/balconyctl/live.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace balcony::app {
namespace {

using server::Value;

// "12.5"; nothing for what was counted anew.
std::string per_second(std::int64_t before, std::int64_t now, std::int64_t milliseconds) {
  if (milliseconds <= 0 || now < before) return "";
  const std::int64_t tenths = (now - before) * 10'000 / milliseconds;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

void add_rates(Value& to, const Value& before, std::int64_t milliseconds,
               std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    to.set(std::string(name) + "/s",
           per_second(before.number_of(name), to.number_of(name), milliseconds));
  }
}

}  // namespace

void Rates::add(Value& result, Value::List& rows) {
  const std::int64_t took = result.number_of("up ms") - before_.number_of("up ms");
  std::map<std::string, Value> kept;
  for (Value& row : rows) {
    const std::string stream = row.text_of("stream");
    kept.emplace(stream, row);
    if (before_.is_null()) continue;
    // A session that was not among them before: nothing is known of its past.
    const auto before = rows_before_.find(stream);
    add_rates(row, before == rows_before_.end() ? row : before->second, took, {"in", "out"});
  }
  rows_before_ = std::move(kept);
  const Value now = result;
  if (!before_.is_null()) {
    add_rates(result, before_, took, {"in", "out", "accepted", "logins", "logins failed"});
  }
  before_ = now;
}

bool wait_for_next(int milliseconds) {
  pollfd output{STDOUT_FILENO, 0, 0};  // says only that the other end is gone
  return ::poll(&output, 1, milliseconds) <= 0;
}

}  // namespace balcony::app
