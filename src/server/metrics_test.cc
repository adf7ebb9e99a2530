#include "server/metrics.h"

#include "base/version.h"
#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace balcony::server {
namespace {

using testing::HasSubstr;

Statistics some_statistics() {
  Statistics statistics;
  statistics.up = std::chrono::milliseconds(90'500);
  statistics.started = WallTime(std::chrono::milliseconds(1'700'000'000'000));
  ShardStatistics shard;
  shard.stanzas_received = 7;
  shard.sessions_connected = 3;
  shard.logins_failed = 2;
  shard.vouched_by_posh = 5;
  shard.keys_refused = 4;
  statistics.shards = {shard, shard};
  statistics.storage.disk_full = true;
  statistics.storage.batches = 12;
  statistics.certificates.push_back(
      {"a\"b\\c", std::chrono::sys_seconds(std::chrono::days(20'000))});
  return statistics;
}

TEST(Metrics, OfAllShardsAreTheirSums) {
  const ShardStatistics all = some_statistics().all();
  EXPECT_EQ(all.stanzas_received, 14U);
  EXPECT_EQ(all.sessions_connected, 6U);
  EXPECT_EQ(all.logins_failed, 4U);
  EXPECT_EQ(all.vouched_by_posh, 10U);
  EXPECT_EQ(all.stanzas_delivered, 0U);
}

TEST(Metrics, HaveTheirValuesAndLabels) {
  const std::string text = to_openmetrics(some_statistics());
  for (const std::string& line :
       {"balcony_build_info{version=\"" + std::string(kBalconyVersion) + "\"} 1",
        std::string("balcony_start_time_seconds 1700000000"),
        std::string("balcony_uptime_seconds 90"),
        std::string("balcony_stanzas_total{shard=\"1\",direction=\"in\"} 7"),
        std::string("balcony_sessions{shard=\"0\",state=\"connected\"} 3"),
        std::string("balcony_logins_total{shard=\"0\",result=\"failed\"} 2"),
        std::string("balcony_server_certificate_lookups_total{shard=\"0\",by=\"posh\"} 5"),
        std::string("balcony_dialback_keys_total{shard=\"1\",result=\"refused\"} 4"),
        std::string("balcony_storage_batches_total 12"), std::string("balcony_storage_disk_full 1"),
        std::string("balcony_certificate_not_after_seconds{host=\"a\\\"b\\\\c\"} 1728000000")}) {
    EXPECT_THAT(text, HasSubstr('\n' + line + '\n'));
  }
}

// OpenMetrics 1.0 §3.1.2, §4.4: TYPE, UNIT and HELP of a family once, in front of its samples,
// which are not interleaved with others'; counters end in _total; the last line is "# EOF".
TEST(Metrics, AreOpenMetrics) {
  std::istringstream text(to_openmetrics(some_statistics()));
  std::set<std::string> families;
  std::string family;
  std::string type;
  std::string last;
  for (std::string line; std::getline(text, line); last = line) {
    ASSERT_NE(last, "# EOF");
    std::istringstream words(line);
    std::string hash;
    std::string what;
    std::string name;
    if (line.starts_with("# TYPE ")) {
      words >> hash >> what >> family >> type;
      EXPECT_TRUE(families.insert(family).second) << line;
    } else if (line.starts_with("# UNIT ")) {
      words >> hash >> name >> name >> what;
      EXPECT_EQ(name, family);
      EXPECT_TRUE(family.ends_with('_' + what)) << line;
    } else if (line.starts_with("# HELP ")) {
      words >> hash >> what >> name;
      EXPECT_EQ(name, family);
      EXPECT_TRUE(line.ends_with('.')) << line;
    } else if (line != "# EOF") {
      const std::string suffix = type == "counter" ? "_total" : type == "info" ? "_info" : "";
      EXPECT_EQ(line.substr(0, line.find_first_of(" {")), family + suffix);
    }
  }
  EXPECT_EQ(last, "# EOF");
  EXPECT_GT(families.size(), 15U);
}

TEST(HttpServer, SaysThatAPortIsTaken) {
  const auto nothing = [](std::string_view) { return HttpAnswer{}; };
  const auto first = HttpServer::start({}, nothing);
  ASSERT_TRUE(first) << first.error().detail;
  HttpOptions same;
  const std::string& address = (*first)->address();
  ASSERT_TRUE(address.starts_with("127.0.0.1:"));
  same.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
  const auto second = HttpServer::start(same, nothing);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kIo);
  EXPECT_THAT(second.error().detail, HasSubstr(address));
}

}  // namespace
}  // namespace balcony::server
