#include "client/privileges.h"

#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

namespace balcony::client {
namespace {

using Types = ComponentPrivileges::Types;

xml::Element element(std::string_view text) {
  return xml::parse(text).value();
}

std::optional<ComponentPrivileges> read(std::string_view permissions) {
  return read_privileges(
      element("<message xmlns='jabber:client'>"
              "<privilege xmlns='urn:xmpp:privilege:2'>" +
              std::string(permissions) + "</privilege></message>"));
}

TEST(ClientPrivileges, AreReadAsTheyAreAnnounced) {
  const auto all = read(
      "<perm access='roster' type='both'/>"
      "<perm access='message' type='outgoing'/>"
      "<perm access='presence' type='managed_entity'/>"
      "<perm access='iq'><namespace ns='urn:a' type='set'/></perm>");
  ASSERT_TRUE(all);
  const ComponentPrivileges expected{Types::kBoth,
                                     true,
                                     true,
                                     ComponentPrivileges::Presence::kManagedEntity,
                                     {{"urn:a", Types::kSet}}};
  EXPECT_EQ(*all, expected);
}

TEST(ClientPrivileges, WhatIsNotUnderstoodIsNotGranted) {
  EXPECT_FALSE(read_privileges(element("<message xmlns='jabber:client'><body>x</body></message>")));
  EXPECT_EQ(*read("<perm access='all' type='both'/><perm access='roster' type='x'/>"
                  "<perm access='message' type='none'/><perm access='presence'/>"),
            ComponentPrivileges{});
  EXPECT_FALSE(read("<perm access='roster' type='get' push='false'/>")->roster_pushes);
  EXPECT_FALSE(read("<perm access='roster' type='set' push='true'/>")->roster_pushes);
}

TEST(ClientPrivileges, AnswersAreTakenOut) {
  const auto answer = [](std::string_view inner) {
    return unwrap_answer(
        element("<privilege xmlns='urn:xmpp:privilege:2'>"
                "<forwarded xmlns='urn:xmpp:forward:0'>" +
                std::string(inner) + "</forwarded></privilege>"));
  };
  const auto result = answer("<iq xmlns='jabber:client' type='result'><a xmlns='b'/></iq>");
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->is("b", "a"));
  EXPECT_FALSE(*answer("<iq xmlns='jabber:client' type='result'/>"));
  const auto error = answer(
      "<iq xmlns='jabber:client' type='error'><error type='cancel'>"
      "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
  EXPECT_EQ(error.error().code, Errc::kConflict);
  EXPECT_EQ(answer("<iq type='result'/>").error().code, Errc::kMalformed);
  EXPECT_EQ(unwrap_answer({}).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace balcony::client
