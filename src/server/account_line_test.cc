#include "server/account_line.h"

#include "base/base64.h"

#include <gtest/gtest.h>

namespace balcony::server {
namespace {

std::string bytes(std::size_t count) {
  return base64_encode(std::string(count, 'k'));
}

std::string problem(const std::string& line) {
  const auto parsed = parse_account_line(line);
  return parsed ? "no problem" : parsed.error().detail;
}

TEST(AccountLine, AnAddressAndAPassword) {
  const auto line = parse_account_line("Juliet@Example.ORG\tsecret with\ttab\r");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->jid.str(), "juliet@example.org");
  EXPECT_EQ(line->password, "secret with\ttab");
  EXPECT_TRUE(line->keys.empty());
}

TEST(AccountLine, ReadyKeysForSeveralHashes) {
  const auto line = parse_account_line(
      "j@x.example\t{SCRAM-SHA-1}4096:" + bytes(16) + ':' + bytes(20) + ':' + bytes(20) +
      ";{SCRAM-SHA-256}10000:" + bytes(8) + ':' + bytes(32) + ':' + bytes(32));
  ASSERT_TRUE(line) << line.error().detail;
  EXPECT_EQ(line->password, "");
  ASSERT_EQ(line->keys.size(), 2U);
  EXPECT_EQ(line->keys[0].hash, "SHA-1");
  EXPECT_EQ(line->keys[0].iterations, 4096U);
  EXPECT_EQ(line->keys[0].salt, std::string(16, 'k'));
  EXPECT_EQ(line->keys[1].hash, "SHA-256");
  EXPECT_EQ(line->keys[1].server_key, std::string(32, 'k'));
}

TEST(AccountLine, AProblemIsNamedWithoutASecret) {
  const std::string key = bytes(20);
  const std::string good = "{SCRAM-SHA-1}4096:" + key + ':' + key + ':' + key;
  const std::vector<std::pair<std::string, std::string>> problems{
      {"j@x", "a line is an address, a tabulator and a password or keys"},
      {"@x\tp", "no address: there is nothing before the '@'"},
      {"j@x\t", "the password is empty"},
      {"j@x\t{SCRAM-MD5}1:a:b:c", "keys are for SCRAM-SHA-1, SCRAM-SHA-256 or SCRAM-SHA-512"},
      {"j@x\t{SCRAM-SHA-1}99:a:b:c", "iterations must be between 4096 and 10000000"},
      {"j@x\t{SCRAM-SHA-1}4096:a:b:c", "salt and keys must be base64"},
      {"j@x\t{SCRAM-SHA-1}4096:" + key + ':' + key,
       "keys for SHA-1 are iterations:salt:stored:server, each key of 20 bytes"},
      {"j@x\t{SCRAM-SHA-256}4096:" + key + ':' + key + ':' + key,
       "keys for SHA-256 are iterations:salt:stored:server, each key of 32 bytes"},
      {"j@x\t" + good + ':' + key,
       "keys for SHA-1 are iterations:salt:stored:server, each key of 20 bytes"},
      {"j@x\t" + good + ';' + good, "two keys for SHA-1"},
      {"j@x\t" + good + ";password", "keys begin with {SCRAM-…}"},
      {"j@x\t" + good, "no problem"},
  };
  for (const auto& [line, expected] : problems) EXPECT_EQ(problem(line), expected) << line;
}

}  // namespace
}  // namespace balcony::server
