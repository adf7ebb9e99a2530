// [s2s], [s2s.domain."example.net"] and [dns] as they are read.
#include "server/config_federation.h"

#include "server/config_reader.h"

#include <gmock/gmock.h>

namespace balcony::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Config> federating(std::string_view text) {
  const auto config = read_config(text, "b.toml", {}, {});
  EXPECT_TRUE(config) << config.error().detail;
  return config ? *config : std::make_shared<const Config>();
}

std::string complaint(std::string_view text) {
  const auto config = read_config(text, "b.toml", {}, {});
  return config ? "no problem" : config.error().detail;
}

TEST(ConfigFederation, ItIsOnWhereThereIsAPortForIt) {
  EXPECT_TRUE(federating("")->federates());
  EXPECT_FALSE(federating("[s2s]\nenabled = false")->federates());
  EXPECT_FALSE(federating("[[listen]]\nkind = \"c2s\"")->federates());
  const auto config = federating("[[listen]]\nkind = \"s2s\"\n[[listen]]\nkind = \"s2s-tls\"");
  EXPECT_TRUE(config->federates());
  EXPECT_EQ(config->listen[0].port, 5269);
  EXPECT_EQ(config->listen[1].port, 5270);
}

TEST(ConfigFederation, TheDefaultsAreSafe) {
  const auto config = federating("");
  EXPECT_TRUE(config->s2s.require_tls);
  EXPECT_FALSE(config->s2s.require_certificate);
  EXPECT_TRUE(config->s2s.domains.empty());
  EXPECT_TRUE(config->dns.forward_to.empty());
}

TEST(ConfigFederation, ADomainIsRead) {
  const std::string pin(64, 'A');
  const auto config = federating(
      "[s2s]\nallow_only = [\"Example.NET\"]\nwaiting_time = \"5m\"\n"
      "[s2s.domain.\"EXAMPLE.net\"]\ncertificate = \"pinned\"\npins = [\"" +
      pin +
      "\"]\nconnect = \"[2001:db8::1]:5270\"\ndirect_tls = true\n"
      "[dns]\nforward_to = \"127.0.0.1@5353\"");
  EXPECT_THAT(config->s2s.allow_only, ElementsAre("example.net"));
  EXPECT_EQ(config->s2s.waiting_time, std::chrono::minutes(5));
  ASSERT_EQ(config->s2s.domains.size(), 1U);
  const RemoteDomainConfig& remote = config->s2s.domains.front();
  EXPECT_EQ(remote.domain, "example.net");
  EXPECT_THAT(remote.pins, ElementsAre(std::string(64, 'a')));
  EXPECT_TRUE(remote.direct_tls);
  EXPECT_EQ(config->dns.forward_to, "127.0.0.1@5353");
}

TEST(ConfigFederation, ProblemsAreToldWithTheirPlace) {
  const auto domain = [](std::string_view entries) {
    return complaint("[s2s.domain.\"example.net\"]\n" + std::string(entries));
  };
  EXPECT_THAT(domain("policy = \"maybe\""), HasSubstr("b.toml:2:"));
  EXPECT_THAT(domain("connect = \"example.net\""), HasSubstr("b.toml:2:"));
  EXPECT_THAT(domain("certificate = \"pinned\""), HasSubstr("come together"));
  EXPECT_THAT(domain("pins = [\"aa\"]\ncertificate = \"pinned\""), HasSubstr("64 hexadecimal"));
  EXPECT_THAT(domain("polcy = \"deny\""), HasSubstr("did you mean \"policy\""));
  EXPECT_THAT(complaint("[s2s.domain.localhost]"), HasSubstr("is a domain of this server"));
  EXPECT_THAT(complaint("[s2s.domain.\"a b\"]"), HasSubstr("names no domain"));
  EXPECT_THAT(complaint("[s2s.domain.\"a.example\"]\n[s2s.domain.\"A.example\"]"),
              HasSubstr("is the same as another one"));
  EXPECT_THAT(complaint("s2s = 1"), HasSubstr("[s2s] must be a table"));
  EXPECT_THAT(complaint("[s2s]\ndomain = 1"), HasSubstr("must be tables"));
  EXPECT_THAT(complaint("[s2s]\ndialback_secret = \"short\""), HasSubstr("16 characters"));
  EXPECT_THAT(complaint("[s2s]\nallow_only = [\"a b\"]"), HasSubstr("is no domain"));
}

TEST(ConfigFederation, APlaceIsHostAndPort) {
  using Place = std::pair<std::string, std::uint16_t>;
  EXPECT_EQ(split_host_port("192.0.2.1:5269"), Place("192.0.2.1", 5269));
  EXPECT_EQ(split_host_port("[::1]:1"), Place("::1", 1));
  EXPECT_EQ(split_host_port("xmpp.example.net:65535"), Place("xmpp.example.net", 65535));
  for (const char* const wrong :
       {"", "x", "x:", ":1", "x:0", "x:65536", "x:1x", "::1:5269", "[x:1", "[]:1", "[x]:1"}) {
    EXPECT_FALSE(split_host_port(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace balcony::server
