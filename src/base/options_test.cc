#include "base/options.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

using namespace std::chrono_literals;

struct Sample {
  bool on = false;
  std::uint16_t port = 5222;
  std::chrono::seconds wait{60};
  Bytes size{1024};
  std::string level = "info";
  std::string name = "x";
  std::vector<std::string> list{"a", "b"};
};

OptionTable table() {
  return option_table<Sample>({
      option("on", &Sample::on, "A switch."),
      option("port", &Sample::port, 1, 65'535, "A port."),
      option("wait", &Sample::wait, 5s, 1h, "A wait."),
      option("size", &Sample::size, Bytes{1024}, Bytes{10'000'000}, "A size."),
      option("level", &Sample::level, "A level.", {"debug", "info", "off"}),
      option("name", &Sample::name, "A name."),
      option("list", &Sample::list, "A list."),
  });
}

std::string problem(std::string_view name, const OptionValue& value) {
  const OptionTable options = table();
  Sample sample;
  const auto set = set_option(*options.find(name), &sample, value);
  return set ? "" : set.error().detail;
}

TEST(Options, ValuesArriveInTheStruct) {
  const OptionTable options = table();
  const auto made = options.make();
  auto& sample = *static_cast<Sample*>(made.get());
  EXPECT_EQ(sample.port, 5222);
  ASSERT_TRUE(set_option(*options.find("on"), &sample, true));
  ASSERT_TRUE(set_option(*options.find("port"), &sample, std::int64_t{1}));
  ASSERT_TRUE(set_option(*options.find("wait"), &sample, std::string("5m")));
  ASSERT_TRUE(set_option(*options.find("size"), &sample, std::string("10MB")));
  ASSERT_TRUE(set_option(*options.find("level"), &sample, std::string("off")));
  ASSERT_TRUE(set_option(*options.find("list"), &sample, std::vector<std::string>{"z"}));
  EXPECT_TRUE(sample.on);
  EXPECT_EQ(sample.port, 1);
  EXPECT_EQ(sample.wait, 300s);
  EXPECT_EQ(sample.size.count, 10'000'000U);
  EXPECT_EQ(sample.level, "off");
  EXPECT_EQ(sample.list, std::vector<std::string>{"z"});
  ASSERT_TRUE(set_option(*options.find("wait"), &sample, std::int64_t{7}));
  EXPECT_EQ(sample.wait, 7s);
  EXPECT_EQ(options.find("nothing"), nullptr);
}

TEST(Options, AProblemNamesWhatIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> problems{
      {problem("on", std::int64_t{1}), "must be true or false"},
      {problem("port", std::int64_t{0}), "must be between 1 and 65535"},
      {problem("port", std::int64_t{65'536}), "must be between 1 and 65535"},
      {problem("port", std::string("5222")), "must be a whole number"},
      {problem("wait", std::string("4s")), "must be between 5s and 1h"},
      {problem("wait", std::string("2h")), "must be between 5s and 1h"},
      {problem("wait", std::string("soon")),
       "must be a duration such as \"90s\", \"5m\" or \"12h\""},
      {problem("wait", true), "must be a duration such as \"90s\", \"5m\" or \"12h\""},
      {problem("size", std::string("1KB")), "must be between 1KiB and 10MB"},
      {problem("size", std::string("1 kilo")), "must be a size such as \"256KiB\" or \"10MB\""},
      {problem("level", std::string("loud")), R"(must be "debug", "info" or "off")"},
      {problem("level", std::int64_t{1}), R"(must be "debug", "info" or "off")"},
      {problem("name", false), "must be a text in quotes"},
      {problem("list", std::string("a")), "must be a list of texts such as [\"a\", \"b\"]"},
      {problem("port", std::int64_t{65'535}), ""},
      {problem("wait", std::string("1h")), ""},
  };
  for (const auto& [got, expected] : problems) EXPECT_EQ(got, expected);
}

TEST(Options, UnitsAreReadAndWritten) {
  const std::vector<std::tuple<std::string, std::int64_t, std::string>> durations{
      {"90s", 90, "90s"},        {"60s", 60, "1m"}, {"5m", 300, "5m"}, {"12h", 43'200, "12h"},
      {"30d", 2'592'000, "30d"}, {"0", 0, "0s"},    {"7", 7, "7s"},    {"90 m", 5'400, "90m"},
  };
  for (const auto& [text, seconds, written] : durations) {
    EXPECT_EQ(parse_duration_seconds(text).value(), seconds) << text;
    EXPECT_EQ(format_duration(seconds), written);
  }
  const std::vector<std::tuple<std::string, std::int64_t, std::string>> sizes{
      {"256KiB", 262'144, "256KiB"},
      {"10MB", 10'000'000, "10MB"},
      {"1000", 1'000, "1KB"},
      {"1GiB", 1'073'741'824, "1GiB"},
      {"0", 0, "0B"},
      {"999B", 999, "999B"},
  };
  for (const auto& [text, bytes, written] : sizes) {
    EXPECT_EQ(parse_bytes(text).value(), bytes) << text;
    EXPECT_EQ(format_bytes(bytes), written);
  }
}

TEST(Options, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "s", "-5s", "5 ", "5x", "5ss", "1.5h", "99999999999999999999",
                           "9223372036854775807d", " 5s"}) {
    EXPECT_FALSE(parse_duration_seconds(text)) << text;
  }
  for (const char* text : {"", "KB", "-1", "10mb", "9223372036854775807KiB"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

TEST(Options, AreWrittenAsTheConfigurationHoldsThem) {
  const OptionTable options = table();
  Sample sample;
  sample.name = "say \"hi\"";
  std::string all;
  for (const OptionSpec& spec : options.options) {
    all += spec.name + " = " + format_option(spec, spec.get(&sample)) + " # " +
           describe_type(spec) + '\n';
  }
  EXPECT_EQ(all,
            "on = false # true or false\n"
            "port = 5222 # integer, 1 to 65535\n"
            "wait = \"1m\" # duration, 5s to 1h\n"
            "size = \"1KiB\" # size, 1KiB to 10MB\n"
            "level = \"info\" # \"debug\", \"info\" or \"off\"\n"
            "name = \"say \\\"hi\\\"\" # text\n"
            "list = [\"a\", \"b\"] # list of texts\n");
}

TEST(Options, ANameThatIsNearIsSuggested) {
  const std::vector<std::string> names{"address", "port", "kind", "auth_timeout", "stalled"};
  EXPECT_EQ(nearest_name("adress", names), "address");
  EXPECT_EQ(nearest_name("prot", names), "port");
  EXPECT_EQ(nearest_name("auth-timeout", names), "auth_timeout");
  EXPECT_EQ(nearest_name("zzz", names), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'p'), names), "");
}

}  // namespace
}  // namespace balcony
