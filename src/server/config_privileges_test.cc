// `privilege` and `delegate` of [component."irc.example.org"] as they are read.
#include "server/config_reader.h"

#include <gmock/gmock.h>

namespace balcony::server {
namespace {

using router::IqTypes;
using router::PresenceAccess;
using ::testing::HasSubstr;

std::shared_ptr<const Config> read(std::string_view text) {
  const auto config = read_config(text, "b.toml", {}, {});
  EXPECT_TRUE(config) << config.error().detail;
  return config ? *config : std::make_shared<const Config>();
}

TEST(ConfigPrivileges, NothingIsGrantedUnlessItIsWritten) {
  const auto config = read("[component.a]\nsecret = 'x'");
  ASSERT_EQ(config->components.size(), 1U);
  EXPECT_FALSE(config->components[0].privileges.any());
  EXPECT_TRUE(config->components[0].delegations.empty());
  const auto empty = read("[component.a]\nsecret = 'x'\nprivilege = {}\ndelegate = []");
  EXPECT_FALSE(empty->components.at(0).privileges.any());
}

TEST(ConfigPrivileges, AllOfThem) {
  const auto config = read(R"(
[component.a]
secret = "x"
privilege = { roster = "both", push = false, message = "outgoing", presence = "roster", iq = [
  { namespace = "urn:a", type = "get" }, { namespace = "urn:b", type = "both" } ] }
delegate = ["urn:c", { namespace = "urn:d", attributes = ["node", "x"] },
            "urn:xmpp:delegation:2:bare:disco#info:*"]
)");
  ASSERT_EQ(config->components.size(), 1U);
  const router::Privileges expected{IqTypes::kBoth,
                                    false,
                                    true,
                                    PresenceAccess::kRoster,
                                    {{"urn:a", IqTypes::kGet}, {"urn:b", IqTypes::kBoth}}};
  EXPECT_EQ(config->components[0].privileges, expected);
  const router::Delegations delegated{
      {"urn:c", {}}, {"urn:d", {"node", "x"}}, {"urn:xmpp:delegation:2:bare:disco#info:*", {}}};
  EXPECT_EQ(config->components[0].delegations, delegated);
}

TEST(ConfigPrivileges, ATableOfItsOwnIsTheSame) {
  const auto config = read(
      "[component.a]\nsecret = 'x'\n[component.a.privilege]\npresence = 'managed_entity'\n"
      "roster = 'set'");
  ASSERT_EQ(config->components.size(), 1U);
  EXPECT_EQ(config->components[0].privileges.presence, PresenceAccess::kManagedEntity);
  EXPECT_FALSE(config->components[0].privileges.pushes());
}

TEST(ConfigPrivileges, EveryProblemIsToldWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> kCases{
      {"privilege = 1", "b.toml:3:13: component.\"a\".privilege must be a table"},
      {"privilege = { roster = 'all' }", "b.toml:3:24: component.\"a\".privilege.roster"},
      {"privilege = { rooster = 'get' }", "did you mean \"roster\"?"},
      {"privilege = { message = 'incoming' }", "privilege.message"},
      {"privilege = { presence = 'roster' }", "needs roster"},
      {"privilege = { presence = 'roster', roster = 'set' }", "b.toml:3:26: "},
      {"privilege = { push = true }", "b.toml:3:22: component.\"a\".privilege.push needs roster"},
      {"privilege = { iq = 'x' }", "privilege.iq must be a list"},
      {"privilege = { iq = ['x'] }", "must be a table"},
      {"privilege = { iq = [{ namespace = 'x' }] }", "namespace and type are both needed"},
      {"privilege = { iq = [{ namespace = 'x', type = 'put' }] }", "b.toml:3:47: "},
      {"privilege = { iq = [{ namespace = 'x', type = 'get', to = 'y' }] }", "unknown key \"to\""},
      {"privilege = { iq = [{ namespace = 'x', type = 'get' }, { namespace = 'x', type = 'set' "
       "}] }",
       "stands there twice"},
      {"privilege = { iq = [{ namespace = 'urn:xmpp:privilege:2', type = 'get' }] }",
       "nobody asks"},
      {"delegate = 'urn:a'", "delegate must be a list"},
      {"delegate = [1]", "b.toml:3:13: "},
      {"delegate = [{ attributes = ['x'] }]", "each entry is a namespace"},
      {"delegate = [{ namespace = 'urn:a', attributes = 'x' }]", "b.toml:3:49: "},
      {"delegate = ['urn:a', 'urn:a']", "stands there twice"},
      {"delegate = ['urn:xmpp:delegation:2']", "cannot be delegated"},
      {"delegate = ['urn:ietf:params:xml:ns:xmpp-bind']", "cannot be delegated"},
      {"delegate = ['http://jabber.org/protocol/disco#info']", "for accounts' nodes only"},
      {"delegate = ['urn:a']\n[component.b]\nsecret = 'x'\ndelegate = ['urn:a']",
       "\"urn:a\" is delegated to both a and b"},
  };
  for (const auto& [text, problem] : kCases) {
    const auto config = read_config("[component.a]\nsecret = 'x'\n" + text, "b.toml", {}, {});
    EXPECT_THAT(config ? "no problem" : config.error().detail, HasSubstr(problem)) << text;
  }
}

TEST(ConfigPrivileges, ANamespaceMayHaveAnOwnerAtEachHost) {
  const auto config = read_config(R"(
[hosts."a.example"]
[hosts."b.example"]
[component."pubsub.a.example"]
secret = "x"
delegate = ["urn:a"]
[component."pubsub.b.example"]
secret = "x"
delegate = ["urn:a"]
)",
                                  "b.toml", {}, {});
  EXPECT_TRUE(config) << config.error().detail;
}

}  // namespace
}  // namespace balcony::server
