#include "net/srv.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>

namespace balcony {
namespace {

using namespace std::string_literals;

SrvRecord record(std::uint16_t priority, std::uint16_t weight, std::string target) {
  SrvRecord result;
  result.priority = priority;
  result.weight = weight;
  result.port = 5222;
  result.target = std::move(target);
  return result;
}

TEST(Srv, LowerPrioritiesComeFirst) {
  SeededRandom random(1);
  for (int i = 0; i < 100; ++i) {
    const auto ordered =
        order_srv({record(20, 100, "c"), record(10, 0, "a"), record(10, 5, "b")}, random);
    ASSERT_EQ(ordered.size(), 3u);
    EXPECT_EQ(ordered[2].target, "c");
    EXPECT_EQ(ordered[0].priority, 10);
  }
}

TEST(Srv, WeightsAreChances) {
  SeededRandom random(7);
  std::map<std::string, int> first;
  constexpr int kRounds = 20'000;
  for (int i = 0; i < kRounds; ++i) {
    ++first[order_srv({record(1, 10, "ten"), record(1, 60, "sixty"), record(1, 30, "thirty"),
                       record(1, 0, "zero")},
                      random)
                .front()
                .target];
  }
  EXPECT_NEAR(first["sixty"], kRounds * 60 / 101, 400);
  EXPECT_NEAR(first["thirty"], kRounds * 30 / 101, 400);
  EXPECT_NEAR(first["ten"], kRounds * 10 / 101, 400);
  EXPECT_GT(first["zero"], 0);
  EXPECT_LT(first["zero"], 500);
}

TEST(Srv, EmptyAndSingle) {
  SeededRandom random(1);
  EXPECT_TRUE(order_srv({}, random).empty());
  EXPECT_EQ(order_srv({record(0, 0, "x")}, random).front().target, "x");
}

// RFC 1035 §2.3.4: 255 octets with the lengths and the root, which is 253 characters with dots.
TEST(Srv, ANameIsAsLongAsANameMayBe) {
  const auto rdata = [](std::size_t last) {
    std::string bytes("\0\0\0\0\x14\x66", 6);
    for (const std::size_t size : {std::size_t{63}, std::size_t{63}, std::size_t{63}, last}) {
      bytes += static_cast<char>(size);
      bytes.append(size, 'a');
    }
    return bytes + '\0';
  };
  EXPECT_EQ(parse_srv(rdata(61)).value().target.size(), 253u);
  EXPECT_EQ(parse_srv(rdata(62)).error().code, Errc::kMalformed);
}

TEST(Srv, ReadsRdata) {
  const auto good = parse_srv("\x00\x05\x00\x0a\x14\x66\x04xmpp\x07"s + "example\x03org\x00"s);
  ASSERT_TRUE(good.has_value()) << good.error().to_string();
  EXPECT_EQ(*good, [] {
    SrvRecord expected = record(5, 10, "xmpp.example.org");
    return expected;
  }());
  EXPECT_EQ(parse_srv("\x00\x00\x00\x00\x00\x00\x00"s)->target, "");
}

TEST(Srv, RefusesWhatIsNoRecord) {
  const std::string numbers("\x00\x05\x00\x0a\x14\x66", 6);
  for (const std::string& bad :
       {""s, numbers, numbers + "\x04xmp"s, numbers + "\x04xmpp"s, numbers + "\xc0\x0c"s,
        numbers + "\x03" + "a\nb\x00"s, numbers + "\x01" + "a\x00more"s}) {
    EXPECT_FALSE(parse_srv(bad).has_value());
  }
  std::string endless = numbers;
  for (int i = 0; i < 10; ++i) endless += "\x3f" + std::string(63, 'a');
  EXPECT_FALSE(parse_srv(endless + '\0').has_value());
}

}  // namespace
}  // namespace balcony
