#include "server/s2s/posh_finder.h"

#include "server/recent.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace balcony::server::s2s {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

TEST(PoshFinder, HowLongADocumentIsKept) {
  struct Case {
    std::chrono::seconds expires;
    std::optional<std::chrono::seconds> max_age;
    std::chrono::seconds kept;
  };
  for (const Case& each :
       {Case{600s, std::nullopt, 600s}, Case{0s, std::nullopt, 0s}, Case{0s, 600s, 0s},
        Case{7 * 24h, std::nullopt, 1h}, Case{7 * 24h, 300s, 300s}, Case{300s, 7 * 24h, 300s},
        Case{600s, 0s, 1min}, Case{20s, std::nullopt, 20s}, Case{20s, 0s, 20s}}) {
    PoshDocument document;
    document.expires = each.expires;
    EXPECT_EQ(posh_keeping_time(document, each.max_age), each.kept)
        << each.expires.count() << ", " << each.max_age.value_or(-1s).count();
  }
}

TEST(Recent, ForgetsWhatWasPutInLongestAgo) {
  Recent<int> recent(2);
  recent.put("a", 1);
  recent.put("b", 2);
  recent.put("a", 3);
  recent.put("c", 4);
  EXPECT_EQ(recent.size(), 2U);
  EXPECT_EQ(recent.find("b"), nullptr);
  ASSERT_NE(recent.find("a"), nullptr);
  EXPECT_EQ(*recent.find("a"), 3);
  recent.erase("a");
  EXPECT_EQ(recent.find("a"), nullptr);
  EXPECT_EQ(*recent.find("c"), 4);
}

}  // namespace
}  // namespace balcony::server::s2s
