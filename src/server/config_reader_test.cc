#include "server/config_reader.h"

#include <gtest/gtest.h>

namespace balcony::server {
namespace {

using namespace std::chrono_literals;

struct PingOptions {
  bool send = false;
  std::chrono::seconds interval{60};
};
struct SpamOptions {
  std::string word = "buy";
};

void attach_ping(router::Registrar&, router::Server&, const PingOptions&) {}
void attach_spam(router::Registrar&, router::Server&, const SpamOptions&) {}

const ModuleList& modules() {
  static const router::ModuleSpec kPing = router::module<PingOptions>(
      "ping", {{"XEP-0199", "2.0.1"}}, "Answers pings.",
      {option("send", &PingOptions::send, "Ping."),
       option("interval", &PingOptions::interval, 5s, 1h, "Silence before.")},
      attach_ping);
  static const router::ModuleSpec kSpam = router::off_by_default(router::module<SpamOptions>(
      "spam", {}, "Spam.", {option("word", &SpamOptions::word, "A word.")}, attach_spam));
  static const ModuleList kAll{&kPing, &kSpam};
  return kAll;
}

std::shared_ptr<const Config> good(std::string_view text,
                                   const std::vector<ConfigOverride>& overrides = {}) {
  const auto config = read_config(text, "b.toml", overrides, modules());
  EXPECT_TRUE(config) << config.error().detail;
  return config ? *config : std::make_shared<const Config>();
}

std::string bad(std::string_view text, const std::vector<ConfigOverride>& overrides = {}) {
  const auto config = read_config(text, "b.toml", overrides, modules());
  if (config) return "no problem";
  EXPECT_EQ(config.error().code, Errc::kConfig);
  return config.error().detail;
}

TEST(ConfigReader, NothingGivesTheDefaults) {
  const auto config = good("");
  EXPECT_EQ(config->data, "/var/lib/balcony");
  EXPECT_EQ(config->control_path(), "/var/lib/balcony/control.sock");
  const std::vector<ListenConfig> expected{
      {"c2s", "", 5222}, {"c2s-tls", "", 5223}, {"s2s", "", 5269}, {"s2s-tls", "", 5270}};
  EXPECT_EQ(config->listen, expected);
  ASSERT_EQ(config->hosts.size(), 1U);
  EXPECT_EQ(config->hosts[0].domain, "localhost");
  EXPECT_TRUE(config->hosts[0].modules.contains("ping"));
  EXPECT_FALSE(config->hosts[0].modules.contains("spam"));
}

TEST(ConfigReader, EverySectionArrives) {
  const auto config = good(R"(
data = "/tmp/x"
control = "/tmp/y.sock"
shards = 2
[[listen]]
address = "127.0.0.1"
port = 15222
[[listen]]
kind = "c2s-tls"
address = "::1"
[limits]
stanza_bytes = "64KiB"
auth_timeout = 5
[storage]
durability = "process"
[auth]
mechanisms = ["SCRAM-SHA-256"]
require_tls = false
[log]
level = "debug"
[hosts."EXAMPLE.org"]
certificate = "a.crt"
key = "a.key"
[hosts."b.example"]
anonymous = true
)");
  EXPECT_EQ(config->data, "/tmp/x");
  EXPECT_EQ(config->control_path(), "/tmp/y.sock");
  EXPECT_EQ(config->shards, 2);
  const std::vector<ListenConfig> expected{{"c2s", "127.0.0.1", 15222}, {"c2s-tls", "::1", 5223}};
  EXPECT_EQ(config->listen, expected);
  EXPECT_EQ(config->limits.stanza.count, 65'536U);
  EXPECT_EQ(config->limits.auth_timeout, 5s);
  EXPECT_EQ(config->storage.durability, "process");
  EXPECT_EQ(config->auth.mechanisms, std::vector<std::string>{"SCRAM-SHA-256"});
  EXPECT_FALSE(config->auth.require_tls);
  EXPECT_EQ(config->log.level, "debug");
  ASSERT_EQ(config->hosts.size(), 2U);
  EXPECT_EQ(config->hosts[0].domain, "example.org");
  EXPECT_EQ(config->hosts[0].key, "a.key");
  EXPECT_TRUE(config->hosts[1].anonymous);
}

TEST(ConfigReader, AHostsModulesLieOverThoseOfAll) {
  const auto config = good(R"(
[modules.ping]
send = true
interval = "10s"
[modules.spam]
enabled = true
[hosts."a.example"]
[hosts."b.example".modules.ping]
interval = "20s"
[hosts."b.example".modules.spam]
enabled = false
)");
  const auto ping = [&config](std::size_t host) {
    return *static_cast<const PingOptions*>(config->hosts[host].modules.at("ping").get());
  };
  EXPECT_TRUE(ping(0).send);
  EXPECT_EQ(ping(0).interval, 10s);
  EXPECT_TRUE(ping(1).send);
  EXPECT_EQ(ping(1).interval, 20s);
  EXPECT_TRUE(config->hosts[0].modules.contains("spam"));
  EXPECT_FALSE(config->hosts[1].modules.contains("spam"));
}

// What toml++ itself asserts, or calls unreachable (config_tree.cc).
TEST(ConfigReader, OddCharactersAreMistakesLikeOthers) {
  EXPECT_TRUE(bad("\nsh\u00e4rds = 2").starts_with("b.toml:2:")) << bad("\nsh\u00e4rds = 2");
  EXPECT_EQ(bad("\"a\\nb\" = 2"), R"(b.toml:1:1: unknown key "a b" in the configuration)");
  EXPECT_TRUE(bad("shards = 2\u048f").starts_with("b.toml:1:")) << bad("shards = 2\u048f");
  EXPECT_TRUE(bad("[[listen]]\n[\x15").starts_with("b.toml:2:")) << bad("[[listen]]\n[\x15");
}

TEST(ConfigReader, EachProblemHasItsPlaceAndSentence) {
  const std::vector<std::pair<std::string, std::string>> problems{
      {"shard = 2",
       R"(b.toml:1:1: unknown key "shard" in the configuration; did you mean "shards"?)"},
      {"zzzzzz = 2", R"(b.toml:1:1: unknown key "zzzzzz" in the configuration)"},
      {"[limit]",
       R"(b.toml:1:2: unknown key "limit" in the configuration; did you mean "limits"?)"},
      {"shards = 1000", "b.toml:1:10: shards must be between 0 and 256"},
      {"shards = \"two\"", "b.toml:1:10: shards must be a whole number"},
      {"shards = 1.5", "b.toml:1:10: shards must be a whole number"},
      {"data = 1979-05-27", "b.toml:1:8: data must be a text in quotes"},
      {"data = ''", "b.toml:1:8: data must name a folder"},
      {"limits = 3", "b.toml:1:10: [limits] must be a table"},
      {"\n[limits]\n  stalled = \"1s\"", "b.toml:3:13: limits.stalled must be between 5s and 1d"},
      {"[limits]\nstanza_bytes = true",
       R"(b.toml:2:16: limits.stanza_bytes must be a size such as "256KiB" or "10MB")"},
      {"[log]\nlevel = \"loud\"",
       R"(b.toml:2:9: log.level must be "debug", "info", "warning", "error" or "off")"},
      {"[auth]\nmechanisms = [1]",
       R"(b.toml:2:14: auth.mechanisms must be a list of texts such as ["a", "b"])"},
      {"[auth]\nmechanisms = ['SCRAM-SHA256']",
       R"(b.toml:2:14: auth.mechanisms holds "SCRAM-SHA256", which is none of SCRAM-SHA-512, )"
       R"(SCRAM-SHA-256, SCRAM-SHA-1, PLAIN; did you mean "SCRAM-SHA-256"?)"},
      {"[auth]\nmechanisms = []", "b.toml:2:14: auth.mechanisms is empty: nobody could log in"},
      {"listen = 5222", "b.toml:1:10: listen must be a list of tables, each under [[listen]]"},
      {"[[listen]]\nprot = 1",
       R"(b.toml:2:1: unknown key "prot" in [[listen]]; did you mean "port"?)"},
      {"[[listen]]\nport = 65536", "b.toml:2:8: listen.port must be between 0 and 65535"},
      {"[[listen]]\nkind = \"c3s\"",
       R"(b.toml:2:8: listen.kind must be "c2s", "c2s-tls", "s2s", "s2s-tls" or "component")"},
      {"[[listen]]\naddress = \"localhost\"",
       "b.toml:2:11: listen.address must be an IPv4 or IPv6 address such as \"127.0.0.1\" or "
       "\"::1\"; names are not looked up"},
      {"[[listen]]\n[[listen]]",
       "b.toml:2:1: [[listen]] names an address and port for the second time"},
      {"hosts = 1", "b.toml:1:9: hosts must be tables: [hosts.\"example.org\"]"},
      {"[hosts.\"a b\"]", "b.toml:1:8: [hosts.\"a b\"] names no domain: "},
      {"[hosts.\"a.example\"]\n[hosts.\"A.example\"]",
       "b.toml:1:8: [hosts.\"a.example\"] is the same host as another one, \"a.example\""},
      {"[hosts.x]\ncertificate = \"c\"",
       "b.toml:1:8: hosts.\"x\".key is missing: certificate and key come together"},
      {"[modules.pong]", R"(b.toml:1:10: unknown key "pong" in [modules]; did you mean "ping"?)"},
      {"[modules.ping]\nenabled = 1", "b.toml:2:11: modules.ping.enabled must be true or false"},
      {"[modules.ping]\ninterval = \"1s\"",
       "b.toml:2:12: modules.ping.interval must be between 5s and 1h"},
      {"[hosts.x.modules.ping]\ninterval = \"1s\"",
       "b.toml:2:12: hosts.\"x\".modules.ping.interval must be between 5s and 1h"},
      {"[hosts.x.modules.ping]\nsent = true",
       R"(b.toml:2:1: unknown key "sent" in [hosts."x".modules.ping]; did you mean "send"?)"},
      {"a = \n", "b.toml:1:5: "},
  };
  for (const auto& [text, expected] : problems) {
    const std::string got = bad(text);
    // Sentences of other folders may stand at the end.
    EXPECT_EQ(expected.ends_with(": ") ? got.substr(0, expected.size()) : got, expected) << text;
  }
}

TEST(ConfigReader, AllProblemsComeAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(bad("[modules.ping]\nsend = 1\n[log]\nlevle = 'info'\n[hosts.x]\nkey = 3\n"
                "[hosts.y]\n",
                {{"", "shards", "many", "BALCONY_SHARDS"}}),
            "b.toml:2:8: modules.ping.send must be true or false\n"
            "b.toml:4:1: unknown key \"levle\" in [log]; did you mean \"level\"?\n"
            "b.toml:6:7: hosts.\"x\".key must be a text in quotes\n"
            "BALCONY_SHARDS: shards must be a whole number");
}

TEST(ConfigReader, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const char* const environment[] = {"BALCONY_LOG_LEVEL=error",
                                     "BALCONY_DATA=/tmp/env",
                                     "BALCONY_AUTH_MECHANISMS=PLAIN, SCRAM-SHA-1",
                                     "BALCONY_AUTH_REQUIRE_TLS=false",
                                     "BALCONY_LIMITS_DEPTH=9",
                                     "BALCONY_LIMITS_STALLED=10s",
                                     "BALCONY_CONFIG=/x",
                                     "BALCONY_JID=me@x",
                                     "HOME=/",
                                     nullptr};
  auto overrides = environment_overrides(environment);
  EXPECT_EQ(overrides.size(), 6U);
  overrides.push_back({"log", "level", "debug", "--log-level"});
  const auto config = good("data = '/tmp/file'\n[log]\nlevel = 'info'", overrides);
  EXPECT_EQ(config->log.level, "debug");
  EXPECT_EQ(config->data, "/tmp/env");
  EXPECT_EQ(config->auth.mechanisms, (std::vector<std::string>{"PLAIN", "SCRAM-SHA-1"}));
  EXPECT_FALSE(config->auth.require_tls);
  EXPECT_EQ(config->limits.depth, 9);
  EXPECT_EQ(config->limits.stalled, 10s);
}

TEST(ConfigReader, AWrongVariableIsAProblemOfItsOwn) {
  const char* const environment[] = {"BALCONY_LOG_LEVLE=error", "BALCONY_LIMITS_DEPTH=x", nullptr};
  EXPECT_EQ(bad("", environment_overrides(environment)),
            "BALCONY_LOG_LEVLE: unknown key \"levle\" in [log]; did you mean \"level\"?\n"
            "BALCONY_LIMITS_DEPTH: limits.depth must be a whole number");
}

TEST(ConfigReader, AFileThatIsNotThereIsNamed) {
  const auto config = load_config("/nowhere/b.toml", {}, modules());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::kNotFound);
  EXPECT_EQ(config.error().detail, "cannot read /nowhere/b.toml: No such file or directory");
  EXPECT_TRUE(load_config("", {}, modules()));
}

}  // namespace
}  // namespace balcony::server
