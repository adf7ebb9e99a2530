// Dates and times as XMPP writes them (XEP-0082 1.1.1, over XML Schema part 2).
//
// Strict: one grammar, no white space, no lower-case letters, no other separators. Years 0001 to
// 9999. Fractions of a second may have any number of digits and are cut to milliseconds. A leap
// second is read only where one can be, as 23:59:60 UTC, and means the second after it, as in POSIX
// time; none is ever written. 24:00:00 is the midnight that ends the day, as XML Schema allows.
// Pure functions; any thread. Errors: kMalformed, and the sentence says what is wrong.
#pragma once

#include "base/clock.h"

#include <balcony/result.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace balcony {

// §3.2 DateTime: "2002-09-10T23:08:25Z", "1969-07-20T21:56:15.25-05:00".
Result<WallTime> parse_datetime(std::string_view text);

// In UTC with 'Z'; milliseconds only when there are any. A time outside of the years 0001 to 9999
// is written as the nearest one inside.
std::string format_datetime(WallTime time);

// §3.1 Date: "1776-07-04".
Result<std::chrono::sys_days> parse_date(std::string_view text);
std::string format_date(std::chrono::sys_days date);

// §3.3 Time: a moment that comes every day.
struct TimeOfDay {
  std::chrono::milliseconds since_midnight{0};  // of the day in its own zone, below 24 h
  std::optional<std::chrono::minutes> offset;   // from UTC, east is positive; nothing: unknown

  friend bool operator==(const TimeOfDay&, const TimeOfDay&) = default;
};

// "16:00:00", "16:00:00.5Z", "16:00:00+01:00".
Result<TimeOfDay> parse_time(std::string_view text);
std::string format_time(const TimeOfDay& time);

// A time zone: "Z", or "+01:00" and its like, at most 14 hours. Also XEP-0202's <tzo/>.
Result<std::chrono::minutes> parse_offset(std::string_view text);
std::string format_offset(std::chrono::minutes offset);

}  // namespace balcony
