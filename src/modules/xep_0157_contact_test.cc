// XEP-0157 §2: what the server says of itself.
#include "modules/modules.h"
#include "modules/testing/dialogue.h"
#include "stanza/data_form.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using testing::TestClient;
using testing::World;

constexpr const char* kInfo =
    "<iq type='get' id='d' to='localhost'>"
    "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>";

TEST(ContactTest, NoAddressNoForm) {
  World world({&xep_0030_disco, &xep_0157_contact});
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send(kInfo);
  const xml::Element iq = romeo.received_element();
  EXPECT_EQ(iq.attr("type"), "result");
  EXPECT_FALSE(iq.child(ns::kDiscoInfo, "query").child(ns::kDataForms, "x"));
}

TEST(ContactTest, AddressesStandInAForm) {
  World world({&xep_0030_disco, &xep_0157_contact});
  world.set("contact", "abuse",
            std::vector<std::string>{"mailto:abuse@localhost", "xmpp:abuse@localhost"});
  TestClient& romeo = world.login("romeo@localhost/orchard");
  romeo.send(kInfo);
  const xml::Element iq = romeo.received_element();
  const auto form = read_data_form(iq.child(ns::kDiscoInfo, "query").child(ns::kDataForms, "x"));
  ASSERT_TRUE(form);
  EXPECT_EQ(form->type, FormType::kResult);
  EXPECT_EQ(form->form_type(), "http://jabber.org/network/serverinfo");
  EXPECT_EQ(form->list("abuse-addresses"),
            (std::vector<std::string>{"mailto:abuse@localhost", "xmpp:abuse@localhost"}));
  EXPECT_EQ(form->find("admin-addresses"), nullptr);
  // Of the server, not of accounts.
  romeo.send("<iq type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  EXPECT_EQ(romeo.received().find("serverinfo"), std::string::npos);
}

}  // namespace
}  // namespace balcony::modules
