#include "stanza/datetime.h"

#include <fmt/format.h>

#include <algorithm>

namespace balcony {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr sys_days kFirstDay = std::chrono::year(1) / 1 / 1;
constexpr sys_days kLastDay = std::chrono::year(9999) / 12 / 31;

bool is_digit(char c) {
  return '0' <= c && c <= '9';
}

// Reads a text from left to right; each step says whether it was there.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool literal(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool number(std::size_t digits, int& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  // The digits behind a decimal point, at least one, cut to thousandths.
  bool fraction(milliseconds& value) {
    std::size_t digits = 0;
    int thousandths = 0;
    for (; digits < rest_.size() && is_digit(rest_[digits]); ++digits) {
      if (digits < 3) thousandths = thousandths * 10 + (rest_[digits] - '0');
    }
    for (std::size_t at = digits; at < 3; ++at) thousandths *= 10;
    rest_.remove_prefix(digits);
    value = milliseconds(thousandths);
    return digits > 0;
  }
  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
};

// CCYY-MM-DD
Result<sys_days> read_date(Cursor& at) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!at.number(4, year) || !at.literal('-') || !at.number(2, month) || !at.literal('-') ||
      !at.number(2, day)) {
    return fail(Errc::kMalformed, "a date looks like 1776-07-04");
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year == 0 || !date.ok()) return fail(Errc::kMalformed, "there is no such day");
  return sys_days(date);
}

struct Clocked {
  milliseconds since_midnight{0};  // 24 h for the midnight that ends the day
  bool leap_second = false;        // then since_midnight is of the second after it
};

// hh:mm:ss[.sss]
Result<Clocked> read_time(Cursor& at) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  milliseconds fraction{0};
  if (!at.number(2, hour) || !at.literal(':') || !at.number(2, minute) || !at.literal(':') ||
      !at.number(2, second) || (at.literal('.') && !at.fraction(fraction))) {
    return fail(Errc::kMalformed, "a time looks like 16:00:00 or 16:00:00.25");
  }
  const auto time = hours(hour) + minutes(minute) + seconds(second) + fraction;
  const bool in_range = hour <= 23 && minute <= 59 && second <= 60;
  const bool ends_the_day = hour == 24 && time == hours(24);
  if (!in_range && !ends_the_day) return fail(Errc::kMalformed, "there is no such time");
  // A leap second is not told from the one that follows it.
  if (second == 60) return Clocked{time - fraction, true};
  return Clocked{time, false};
}

// Z, or [+|-]hh:mm
Result<minutes> read_offset(Cursor& at) {
  if (at.literal('Z')) return minutes(0);
  const bool west = at.peek() == '-';
  int hour = 0;
  int minute = 0;
  if (!(at.literal('+') || at.literal('-')) || !at.number(2, hour) || !at.literal(':') ||
      !at.number(2, minute)) {
    return fail(Errc::kMalformed, "a time zone looks like Z or +01:00");
  }
  const minutes offset = hours(hour) + minutes(minute);
  // XML Schema part 2 §3.2.7.3: fourteen hours at most.
  if (minute > 59 || offset > hours(14)) return fail(Errc::kMalformed, "there is no such zone");
  return west ? -offset : offset;
}

Result<> read_end(const Cursor& at) {
  if (!at.at_end()) return fail(Errc::kMalformed, "something follows the date or time");
  return {};
}

// Leap seconds end a day of UTC.
Result<> check_leap_second(const Clocked& time, milliseconds of_day_utc) {
  if (time.leap_second && of_day_utc % days(1) != milliseconds(0)) {
    return fail(Errc::kMalformed, "a leap second is only at 23:59:60 UTC");
  }
  return {};
}

void append_time(std::string& out, milliseconds since_midnight) {
  const std::chrono::hh_mm_ss time(since_midnight);
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", time.hours().count(),
                 time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() != 0) {
    fmt::format_to(std::back_inserter(out), ".{:03}", time.subseconds().count());
  }
}

}  // namespace

Result<WallTime> parse_datetime(std::string_view text) {
  Cursor at(text);
  BALCONY_ASSIGN(const sys_days date, read_date(at));
  if (!at.literal('T')) return fail(Errc::kMalformed, "a 'T' stands between date and time");
  BALCONY_ASSIGN(const Clocked time, read_time(at));
  BALCONY_ASSIGN(const minutes offset, read_offset(at));
  BALCONY_CHECK(read_end(at));
  BALCONY_CHECK(check_leap_second(time, time.since_midnight - offset));
  const WallTime moment = date + time.since_midnight - offset;
  if (moment < kFirstDay || moment >= kLastDay + days(1)) {
    return fail(Errc::kMalformed, "the year is not one of 0001 to 9999");
  }
  return moment;
}

std::string format_datetime(WallTime time) {
  time = std::clamp<WallTime>(time, kFirstDay, kLastDay + days(1) - milliseconds(1));
  const auto date = std::chrono::floor<days>(time);
  std::string text = format_date(date);
  text.push_back('T');
  append_time(text, time - date);
  text.push_back('Z');
  return text;
}

Result<sys_days> parse_date(std::string_view text) {
  Cursor at(text);
  BALCONY_ASSIGN(const sys_days date, read_date(at));
  BALCONY_CHECK(read_end(at));
  return date;
}

std::string format_date(sys_days date) {
  const std::chrono::year_month_day day(std::clamp(date, kFirstDay, kLastDay));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

Result<TimeOfDay> parse_time(std::string_view text) {
  Cursor at(text);
  BALCONY_ASSIGN(const Clocked time, read_time(at));
  TimeOfDay result;
  if (!at.at_end()) {
    BALCONY_ASSIGN(result.offset, read_offset(at));
  }
  BALCONY_CHECK(read_end(at));
  BALCONY_CHECK(check_leap_second(time, time.since_midnight - result.offset.value_or(minutes(0))));
  result.since_midnight = time.since_midnight % days(1);
  return result;
}

std::string format_time(const TimeOfDay& time) {
  std::string text;
  append_time(text, time.since_midnight % days(1));
  if (time.offset) text.append(format_offset(*time.offset));
  return text;
}

Result<minutes> parse_offset(std::string_view text) {
  Cursor at(text);
  BALCONY_ASSIGN(const minutes offset, read_offset(at));
  BALCONY_CHECK(read_end(at));
  return offset;
}

std::string format_offset(minutes offset) {
  if (offset == minutes(0)) return "Z";
  const long total = std::min<long>(std::abs(offset.count()), 14 * 60);
  return fmt::format("{}{:02}:{:02}", offset < minutes(0) ? '-' : '+', total / 60, total % 60);
}

}  // namespace balcony
