#include "net/https_client.h"

#include "net/test_support.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony {
namespace {

using namespace std::chrono_literals;

TEST(HttpsClient, WhereAUrlLeads) {
  const auto plain = https_place("https://Hosting.example.net/.well-known/posh/xmpp-server.json");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "hosting.example.net");
  EXPECT_EQ(plain->port, 443);
  const auto with_port = https_place("https://example.net:8443/a?b#c");
  ASSERT_TRUE(with_port);
  EXPECT_EQ(with_port->port, 8443);
}

TEST(HttpsClient, RefusesWhatIsNoUrlForHttps) {
  for (const std::string& url : std::vector<std::string>{
           "", "example.net", "http://example.net/", "file:///etc/passwd", "ftp://example.net/a",
           "https://", "https://user@example.net/", "https://u:p@example.net/",
           "https://example.net:0/", "https://example.net:70000/", "https://exa mple.net/",
           "https://example.net/" + std::string(3000, 'a')}) {
    EXPECT_FALSE(https_place(url)) << url.substr(0, 60);
  }
}

// RFC 9111 §5.2.2.
TEST(HttpsClient, HowLongADocumentMayBeKept) {
  EXPECT_EQ(read_max_age(" public, Max-Age=3600 \r\n"), 3600s);
  EXPECT_EQ(read_max_age("max-age=10, no-store"), 0s);
  EXPECT_EQ(read_max_age("no-cache"), 0s);
  EXPECT_EQ(read_max_age("public"), std::nullopt);
  EXPECT_EQ(read_max_age("max-age=x"), std::nullopt);
  EXPECT_EQ(read_max_age("max-age=-1"), std::nullopt);
  EXPECT_EQ(read_max_age("s-maxage=5"), std::nullopt);
  EXPECT_EQ(read_max_age(""), std::nullopt);
}

Task<Result<HttpsBody>> fetch(HttpsClient& client, Shard& shard, HttpsRequest request) {
  auto answer = std::make_shared<OneShot<Result<HttpsBody>>>();
  client.get(shard, std::move(request),
             [answer](Result<HttpsBody> body) { answer->set(std::move(body)); });
  OneShot<Result<HttpsBody>>& done = *answer;
  co_return co_await done;
}

// A server that accepts and says nothing costs the time that was given, and no more.
TEST(HttpsClient, TimeIsBounded) {
  const test::Listening listening = test::listen_on_loopback();
  ShardSet shards(1);
  HttpsClient client(1, 10);
  HttpsRequest request;
  request.url = "https://example.net/";
  request.addresses = {listening.address};
  request.within = 200ms;
  const auto got = test::run_on(shards.at(0), [&] { return fetch(client, shards.at(0), request); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kTimeout);
}

TEST(HttpsClient, IsCutOffByItsEnd) {
  const test::Listening listening = test::listen_on_loopback();
  ShardSet shards(1);
  HttpsClient client(1, 10);
  HttpsRequest request;
  request.url = "https://example.net/";
  request.addresses = {listening.address};
  request.within = 60'000ms;
  auto got = test::start_on(shards.at(0), [&] { return fetch(client, shards.at(0), request); });
  client.stop();
  const auto answer = test::get(std::move(got));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kCancelled);
}

}  // namespace
}  // namespace balcony
