#include "stanza/datetime.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace balcony {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

TEST(DateTime, ExamplesOfXep0082) {
  const WallTime moon = sys_days(year(1969) / 7 / 21) + 2h + 56min + 15s;
  EXPECT_EQ(parse_datetime("1969-07-21T02:56:15Z").value(), moon);
  EXPECT_EQ(parse_datetime("1969-07-20T21:56:15-05:00").value(), moon);
  EXPECT_EQ(format_datetime(moon), "1969-07-21T02:56:15Z");
  EXPECT_EQ(parse_date("1776-07-04").value(), sys_days(year(1776) / 7 / 4));
  EXPECT_EQ(format_date(year(1776) / 7 / 4), "1776-07-04");
  EXPECT_EQ(parse_time("16:00:00").value(), (TimeOfDay{16h, {}}));
  EXPECT_EQ(format_time(TimeOfDay{16h, {}}), "16:00:00");
}

TEST(DateTime, Fractions) {
  const WallTime base = sys_days(year(2002) / 9 / 10) + 23h + 8min + 25s;
  EXPECT_EQ(parse_datetime("2002-09-10T23:08:25.5Z").value(), base + 500ms);
  EXPECT_EQ(parse_datetime("2002-09-10T23:08:25.050Z").value(), base + 50ms);
  EXPECT_EQ(parse_datetime("2002-09-10T23:08:25.1239999999999999Z").value(), base + 123ms);
  EXPECT_EQ(parse_datetime("2002-09-10T23:08:25.000001Z").value(), base);
  EXPECT_EQ(format_datetime(base + 7ms), "2002-09-10T23:08:25.007Z");
  EXPECT_EQ(parse_datetime("1950-01-01T00:00:00.250Z").value(),
            sys_days(year(1950) / 1 / 1) + 250ms);
  EXPECT_EQ(format_datetime(sys_days(year(1950) / 1 / 1) + 250ms), "1950-01-01T00:00:00.250Z");
}

TEST(DateTime, FirstAndLastYear) {
  EXPECT_EQ(format_datetime(parse_datetime("0001-01-01T00:00:00Z").value()),
            "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_datetime(parse_datetime("9999-12-31T23:59:59.999Z").value()),
            "9999-12-31T23:59:59.999Z");
  for (const std::string_view outside :
       {"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_datetime(outside).error().code, Errc::kMalformed) << outside;
  }
  EXPECT_EQ(format_datetime(WallTime::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_datetime(WallTime::min()), "0001-01-01T00:00:00Z");
}

TEST(DateTime, LeapSecondsOnlyAtTheEndOfADayOfUtc) {
  const WallTime next = sys_days(year(2017) / 1 / 1);
  EXPECT_EQ(parse_datetime("2016-12-31T23:59:60Z").value(), next);
  EXPECT_EQ(parse_datetime("2016-12-31T23:59:60.75Z").value(), next);
  EXPECT_EQ(parse_datetime("2016-12-31T15:59:60-08:00").value(), next);
  EXPECT_EQ(parse_datetime("2017-01-01T05:29:60+05:30").value(), next);
  for (const std::string_view bad : {"2016-12-31T23:58:60Z", "2016-12-31T12:59:60Z",
                                     "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z"}) {
    EXPECT_FALSE(parse_datetime(bad)) << bad;
  }
}

TEST(DateTime, MidnightAtTheEndOfADay) {
  EXPECT_EQ(parse_datetime("2016-12-31T24:00:00Z").value(), sys_days(year(2017) / 1 / 1));
  for (const std::string_view bad :
       {"2016-12-31T24:00:01Z", "2016-12-31T24:00:00.1Z", "2016-12-31T24:01:00Z",
        "2016-12-31T23:60:00Z", "2016-12-31T25:00:00Z"}) {
    EXPECT_FALSE(parse_datetime(bad)) << bad;
  }
  EXPECT_EQ(parse_time("24:00:00").value(), (TimeOfDay{0h, {}}));
}

TEST(DateTime, RefusesWhatIsNotExactlyIt) {
  for (const std::string_view bad : {"",
                                     "2002-09-10",
                                     "2002-09-10T23:08:25",
                                     "2002-09-10 23:08:25Z",
                                     "2002-09-10t23:08:25Z",
                                     "2002-09-10T23:08:25z",
                                     "2002-09-10T23:08:25Z ",
                                     " 2002-09-10T23:08:25Z",
                                     "20020910T23:08:25",
                                     "2002-9-10T23:08:25Z",
                                     "2002-09-10T23:08Z",
                                     "2002-09-10T23:08:25.Z",
                                     "2002-09-10T23:08:25,5Z",
                                     "2002-09-10T23:08:25+0100",
                                     "2002-09-10T23:08:25+01",
                                     "2002-09-10T23:08:25+14:01",
                                     "2002-09-10T23:08:25+15:00",
                                     "2002-09-10T23:08:25+01:60",
                                     "2002-13-10T23:08:25Z",
                                     "2002-00-10T23:08:25Z",
                                     "2002-09-31T23:08:25Z",
                                     "2002-09-00T23:08:25Z",
                                     "2001-02-29T00:00:00Z",
                                     "1900-02-29T00:00:00Z",
                                     "2002-09-10T23:60:25Z",
                                     "2002-09-10T23:08:25ZZ",
                                     "+002-09-10T23:08:25Z",
                                     "2002-09-10T-1:08:25Z",
                                     "2002-09-10T23:08:25Z\n"}) {
    const auto result = parse_datetime(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, Errc::kMalformed);
    EXPECT_FALSE(result.error().detail.empty());
  }
  EXPECT_TRUE(parse_datetime("2000-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_datetime("2002-09-10T23:08:25+14:00"));
  for (const std::string_view bad : {"", "1776-07-04Z", "1776-7-4", "1776-02-30", "0000-01-01"}) {
    EXPECT_FALSE(parse_date(bad)) << bad;
  }
  for (const std::string_view bad :
       {"", "16:00", "16:00:00 ", "16:00:00+1", "24:00:01", "1:00:00"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Time, OffsetsBothWays) {
  const std::pair<std::string_view, std::chrono::minutes> kOffsets[] = {
      {"Z", 0min}, {"+01:00", 60min}, {"-06:00", -360min}, {"+05:30", 330min}, {"-00:30", -30min}};
  for (const auto& [text, offset] : kOffsets) {
    EXPECT_EQ(parse_offset(text).value(), offset);
    EXPECT_EQ(format_offset(offset), text);
    const TimeOfDay time{8h + 1min + 2s + 30ms, offset};
    EXPECT_EQ(format_time(time), "08:01:02.030" + std::string(text));
    EXPECT_EQ(parse_time(format_time(time)).value(), time);
  }
  EXPECT_EQ(parse_offset("-00:00").value(), 0min);
  for (const std::string_view bad : {"", "z", "+1:00", "01:00", "+01:00Z", "+24:00"}) {
    EXPECT_FALSE(parse_offset(bad)) << bad;
  }
}

RC_GTEST_PROP(DateTime, RoundTripOfAnyMoment, ()) {
  const auto ms = *rc::gen::inRange<std::int64_t>(-62135596800000, 253402300800000);
  const WallTime moment{std::chrono::milliseconds(ms)};
  RC_ASSERT(parse_datetime(format_datetime(moment)).value() == moment);
}

}  // namespace
}  // namespace balcony
