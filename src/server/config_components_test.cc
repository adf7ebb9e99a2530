// [component."irc.example.org"] as it is read.
#include "server/config_reader.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace balcony::server {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::shared_ptr<const Config> config_of(std::string_view text) {
  const auto config = read_config(text, "b.toml", {}, {});
  EXPECT_TRUE(config) << config.error().detail;
  return config ? *config : std::make_shared<const Config>();
}

std::string problem_of(std::string_view text) {
  const auto config = read_config(text, "b.toml", {}, {});
  return config ? "no problem" : config.error().detail;
}

// A file that is gone with the test.
struct SecretFile {
  explicit SecretFile(std::string_view text) {
    char name[] = "/tmp/balcony-secret-XXXXXX";
    const int descriptor = ::mkstemp(name);
    EXPECT_GE(descriptor, 0);
    ::close(descriptor);
    path = name;
    std::ofstream(path, std::ios::binary) << text;
  }
  ~SecretFile() { std::remove(path.c_str()); }
  std::string path;
};

TEST(ConfigComponents, NoneMeansNoListenerForThem) {
  const auto config = config_of("[hosts.\"example.org\"]");
  EXPECT_TRUE(config->components.empty());
  EXPECT_EQ(config->listen.size(), 2U);
}

TEST(ConfigComponents, OneIsReadAndListenedForOnLoopback) {
  const auto config = config_of(R"(
[component."IRC.Example.org"]
secret = "wherefore"
connections = 3
listed = false
stanza_bytes = "1MiB"
)");
  ASSERT_EQ(config->components.size(), 1U);
  const ComponentConfig& component = config->components.front();
  EXPECT_EQ(component.domain, "irc.example.org");
  EXPECT_EQ(component.secret, "wherefore");
  EXPECT_EQ(component.connections, 3);
  EXPECT_FALSE(component.listed);
  EXPECT_EQ(component.stanza.count, 1024U * 1024U);
  EXPECT_THAT(config->listen, Contains(ListenConfig{"component", "127.0.0.1", 5347}));
}

TEST(ConfigComponents, AListenerForThemIsOnLoopbackUnlessItSaysOtherwise) {
  const auto config = config_of(R"(
[[listen]]
kind = "component"
port = 5350
[[listen]]
kind = "component"
address = "::"
[component.a]
secret = "x"
)");
  const std::vector<ListenConfig> expected{{"component", "127.0.0.1", 5350},
                                           {"component", "::", 5347}};
  EXPECT_EQ(config->listen, expected);
}

TEST(ConfigComponents, ASecretMayStandInAFile) {
  const SecretFile file("from a file\nand a comment\n");
  const auto config = config_of("[component.a]\nsecret_file = '" + file.path + "'");
  ASSERT_EQ(config->components.size(), 1U);
  EXPECT_EQ(config->components.front().secret, "from a file");
}

TEST(ConfigComponents, EveryProblemIsToldWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> kCases{
      {"[component.a]", "b.toml:1:"},
      {"[component.a]", "secret is missing; `balconyctl component add a` makes one"},
      {"[component.a]\nsecret = ''", "b.toml:2:10: component.\"a\".secret is missing"},
      {"[component.a]\nsecret = 'x'\nsecret_file = 'y'", "b.toml:3:1: "},
      {"[component.a]\nsecret_file = '/nowhere/at/all'", "b.toml:2:15: "},
      {"[component.a]\nsecret = 'x'\nconnections = 0", "b.toml:3:15: "},
      {"[component.a]\nsecret = 'x'\nsecert = 'x'", "did you mean \"secret\"?"},
      {"[component.localhost]\nsecret = 'x'", "is a host of this server"},
      {"[component.\"a@b\"]\nsecret = 'x'", "names no domain"},
      {"[component.a]\nsecret='x'\n[component.A]\nsecret='x'", "is the same as another one"},
      {"component = 'a'", "component must be tables"},
      {"component.a = 'a'", "must be a table"},
  };
  for (const auto& [text, problem] : kCases)
    EXPECT_THAT(problem_of(text), HasSubstr(problem)) << text;
}

}  // namespace
}  // namespace balcony::server
