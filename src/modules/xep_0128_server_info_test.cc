// XEP-0128: one form of a type, whoever says parts of it.
#include "modules/disco.h"
#include "modules/modules.h"
#include "modules/testing/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

TEST(ServerInfo, OneFormOfBothModules) {
  World world{{&xep_0030_disco, &xep_0128_server_info, &xep_0157_contact}};
  TestClient& romeo = world.login("romeo@localhost/orchard");
  const auto forms = [&] {
    romeo.send(
        "<iq type='get' id='d' to='localhost'>"
        "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    std::vector<DataForm> all;
    const xml::Element answer = romeo.received_element();
    for (const auto x : answer.first_child().children(ns::kDataForms, "x")) {
      all.push_back(*read_data_form(x));
    }
    return all;
  };
  EXPECT_TRUE(forms().empty());
  world.set("server_info", "fields",
            std::vector<std::string>{"website=https://example.org/?a=b", "motto=Arise",
                                     "motto=Part", "nothing", "=x", "FORM_TYPE=forged"});
  ASSERT_EQ(forms().size(), 1U);
  world.set("contact", "abuse", std::vector<std::string>{"mailto:abuse@example.org"});
  const auto all = forms();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].form_type(), ns::kServerInfoForm);
  EXPECT_EQ(all[0].fields.size(), 4U);
  EXPECT_EQ(all[0].list("website"), std::vector<std::string>{"https://example.org/?a=b"});
  EXPECT_EQ(all[0].list("motto"), (std::vector<std::string>{"Arise", "Part"}));
  EXPECT_EQ(all[0].list("abuse-addresses"), std::vector<std::string>{"mailto:abuse@example.org"});
}

}  // namespace
}  // namespace balcony::modules
