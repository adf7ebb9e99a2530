#include "server/value.h"

#include <gtest/gtest.h>

namespace balcony::server {
namespace {

TEST(Value, IsTheSameAfterJson) {
  const std::string text =
      R"({"b":true,"n":-5,"t":"a\"\nü","l":[1,"x",null,[]],"m":{"z":1,"a":2},"e":{}})";
  const auto value = parse_json(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value), text);
  EXPECT_EQ(value->number_of("n"), -5);
  EXPECT_EQ(value->text_of("t"), "a\"\nü");
  EXPECT_EQ(value->text_of("n"), "");
  EXPECT_EQ(value->find("m")->members()->front().name, "z");
  EXPECT_EQ(value->find("nothing"), nullptr);
}

TEST(Value, MembersAreSetInOrderAndReplaced) {
  Value value;
  EXPECT_TRUE(value.is_null());
  value.set("b", 1);
  value.set("a", "text");
  value.set("b", false);
  value.set("c", Value::texts({"x", "y"}));
  EXPECT_EQ(to_json(value), R"({"b":false,"a":"text","c":["x","y"]})");
}

TEST(Value, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(to_json(Value("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(Value, WhatItCannotHoldIsRefused) {
  for (const char* text :
       {"", "{", "1.5", "[1e3]", "18446744073709551615", "nul", "{\"a\":}", "[1]2"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(Value, NestingIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(32)));
  EXPECT_FALSE(parse_json(nested(33)));
  EXPECT_FALSE(parse_json(nested(1'000'000)));
  EXPECT_TRUE(parse_json("\"" + std::string(1'000, '[') + "\\\"[\""));
}

}  // namespace
}  // namespace balcony::server
