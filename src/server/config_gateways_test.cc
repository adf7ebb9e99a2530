// [gateway.NAME] as it is read.
#include "server/config_reader.h"

#include <gmock/gmock.h>

namespace balcony::server {
namespace {

using ::testing::HasSubstr;

struct RoseOptions {
  std::string domain;
  std::int64_t thorns = 3;
};

const GatewayKinds& rose_kinds() {
  static const OptionTable kTable =
      option_table<RoseOptions>({option("domain", &RoseOptions::domain, "Where."),
                                 option("thorns", &RoseOptions::thorns, 1, 10, "How many.")});
  static const GatewayKinds kKinds{
      {"rose", "By any other name.", &kTable, [](const void* options) -> Result<> {
         if (static_cast<const RoseOptions*>(options)->thorns != 7) return {};
         return fail(Errc::kConfig, "thorns are not 7");
       }}};
  return kKinds;
}

Result<std::shared_ptr<const Config>> read_roses(std::string_view text) {
  return read_config(text, "b.toml", {}, {}, &rose_kinds());
}

std::string rose_problem(std::string_view text) {
  const auto config = read_roses(text);
  return config ? "no problem" : config.error().detail;
}

TEST(ConfigGateways, AreReadWithTheirOptions) {
  const auto config = read_roses("[gateway.rose]\ndomain = \"Rose.Example.org\"\nthorns = 5\n");
  ASSERT_TRUE(config) << config.error().detail;
  ASSERT_EQ((*config)->gateways.size(), 1U);
  const GatewayConfig& gateway = (*config)->gateways.front();
  EXPECT_EQ(gateway.name, "rose");
  EXPECT_EQ(gateway.domain, "rose.example.org");
  EXPECT_EQ(static_cast<const RoseOptions*>(gateway.options.get())->thorns, 5);
  EXPECT_TRUE((*config)->components.empty()) << "that is the program's to add";
}

TEST(ConfigGateways, ProblemsAreToldWithTheirPlace) {
  EXPECT_EQ(rose_problem("[gateway.roes]\ndomain = \"a.b\"\n"),
            "b.toml:1:10: there is no gateway \"roes\"; did you mean \"rose\"?");
  EXPECT_THAT(rose_problem("gateway = 1\n"), HasSubstr("gateway must be tables"));
  EXPECT_THAT(rose_problem("[gateway.rose]\n"), HasSubstr("gateway.rose.domain must name"));
  EXPECT_THAT(rose_problem("[gateway.rose]\ndomain = \"a b\"\n"),
              HasSubstr("b.toml:2:10: gateway.rose."));
  EXPECT_THAT(rose_problem("[gateway.rose]\ndomain = \"a.b\"\nthorns = 11\n"),
              HasSubstr("gateway.rose.thorns must be between 1 and 10"));
  EXPECT_THAT(rose_problem("[gateway.rose]\ndomain = \"a.b\"\nthorns = 7\n"),
              HasSubstr("gateway.rose.thorns are not 7"));
  EXPECT_THAT(rose_problem("[gateway.rose]\ndomain = \"a.b\"\nleaves = 7\n"), HasSubstr("leaves"));
  EXPECT_THAT(rose_problem("[hosts.\"a.b\"]\n[gateway.rose]\ndomain = \"A.b\"\n"),
              HasSubstr("is a host of this server"));
  EXPECT_THAT(
      rose_problem("[component.\"a.b\"]\nsecret = \"x\"\n[gateway.rose]\ndomain = \"a.b\"\n"),
      HasSubstr("is a component already"));
}

TEST(ConfigGateways, WhoRunsNoneDoesNotLook) {
  EXPECT_TRUE(read_config("[gateway.other]\nx = 1\n", "b.toml", {}, {}));
}

}  // namespace
}  // namespace balcony::server
