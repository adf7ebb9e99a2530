#include "router/roster.h"

#include "xml/parser.h"
#include "xml/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::router {
namespace {

using ::testing::ElementsAre;

Jid jid(std::string_view text) {
  return Jid::parse(text).value();
}

RosterItem nurse() {
  RosterItem item(jid("nurse@example.com"));
  item.listed = true;
  item.state.to = true;
  item.set_label("Nurse <the & best>", {"Servants", "Family"});
  return item;
}

TEST(RosterItem, NameAndGroups) {
  const RosterItem item = nurse();
  EXPECT_EQ(item.name(), "Nurse <the & best>");
  EXPECT_THAT(item.groups(), ElementsAre("Family", "Servants"));

  RosterItem plain(jid("romeo@example.net"));
  EXPECT_EQ(plain.name(), "");
  EXPECT_THAT(plain.groups(), ElementsAre());
  plain.set_label("", {"Friends"});
  EXPECT_EQ(plain.name(), "");
  EXPECT_THAT(plain.groups(), ElementsAre("Friends"));
}

TEST(RosterItem, WrittenForClients) {
  RosterItem item = nurse();
  EXPECT_TRUE(xml::same_tree(
      write_item(item),
      *xml::parse("<item xmlns='jabber:iq:roster' jid='nurse@example.com' subscription='to'"
                  " name='Nurse &lt;the &amp; best>'><group>Family</group><group>Servants</group>"
                  "</item>")));
  // Nothing of what is only kept shows; ask and approved do.
  item.set_label("", {});
  item.state = {.pending_out = true, .pending_in = true, .approved = true};
  item.set_request("<presence/>");
  EXPECT_TRUE(xml::same_tree(
      write_item(item), *xml::parse("<item xmlns='jabber:iq:roster' jid='nurse@example.com'"
                                    " subscription='none' ask='subscribe' approved='true'/>")));
}

TEST(RosterItem, StoredAndLoadedForAllStates) {
  for (int bits = 0; bits < 64; ++bits) {
    RosterItem item = nurse();
    item.listed = (bits & 1) != 0;
    item.state = {.to = (bits & 2) != 0,
                  .from = (bits & 4) != 0,
                  .pending_out = (bits & 8) != 0,
                  .pending_in = (bits & 16) != 0,
                  .approved = (bits & 32) != 0};
    if (item.state.pending_in) item.set_request("<presence><status>I &amp; O</status></presence>");
    const auto loaded = load_item(store_item(item));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->jid, item.jid);
    EXPECT_EQ(loaded->name(), item.name());
    EXPECT_EQ(loaded->groups(), item.groups());
    EXPECT_EQ(loaded->state, item.state);
    EXPECT_EQ(loaded->listed, item.listed);
    EXPECT_EQ(loaded->request(), item.request());
  }
}

TEST(RosterItem, WhatIsNoItemIsRefused) {
  EXPECT_FALSE(load_item(""));
  EXPECT_FALSE(load_item("<item xmlns='jabber:iq:roster' jid='a@b'>"));
  EXPECT_FALSE(load_item("<item jid='a@b' subscription='none'/>"));
  EXPECT_FALSE(load_item("<item xmlns='jabber:iq:roster' subscription='none'/>"));
  EXPECT_FALSE(load_item("<item xmlns='jabber:iq:roster' jid='a@b/c' subscription='none'/>"));
  EXPECT_FALSE(load_item("<item xmlns='jabber:iq:roster' jid='a@b' subscription='some'/>"));
  EXPECT_TRUE(load_item("<item xmlns='jabber:iq:roster' jid='a@b' subscription='none'/>"));
}

TEST(RosterItem, Visibility) {
  RosterItem item(jid("romeo@example.net"));
  EXPECT_TRUE(item.is_empty());
  item.state.pending_in = true;  // RFC 6121 §A.1
  EXPECT_FALSE(item.is_visible());
  EXPECT_FALSE(item.is_empty());
  item.listed = true;
  EXPECT_TRUE(item.is_visible());
}

TEST(Roster, IsInOrderAndFindsByBareJid) {
  Roster roster;
  for (const char* name : {"romeo@example.net", "benvolio@example.net", "nurse@example.com"}) {
    roster.get_or_add(jid(name)).listed = true;
  }
  roster.get_or_add(jid("romeo@example.net/orchard")).state.to = true;
  ASSERT_EQ(roster.size(), 3u);
  EXPECT_EQ(roster.items()[0].jid, jid("benvolio@example.net"));
  EXPECT_EQ(roster.items()[2].jid, jid("romeo@example.net"));
  ASSERT_NE(roster.find(jid("romeo@example.net/orchard")), nullptr);
  EXPECT_TRUE(roster.find(jid("romeo@example.net"))->state.to);
  EXPECT_EQ(roster.find(jid("example.net")), nullptr);
  EXPECT_EQ(roster.find(jid("zoe@example.net")), nullptr);
}

TEST(Roster, PutReplacesAndEraseErases) {
  Roster roster;
  roster.put(nurse());
  RosterItem renamed = nurse();
  renamed.set_label("Angelica", {});
  roster.put(std::move(renamed));
  ASSERT_EQ(roster.size(), 1u);
  EXPECT_EQ(roster.items()[0].name(), "Angelica");
  EXPECT_FALSE(roster.erase(jid("romeo@example.net")));
  EXPECT_TRUE(roster.erase(jid("nurse@example.com/x")));
  EXPECT_EQ(roster.size(), 0u);
}

}  // namespace
}  // namespace balcony::router
