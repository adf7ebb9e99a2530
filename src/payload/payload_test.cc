#include "payload/disco.h"
#include "payload/last_activity.h"
#include "payload/roster.h"
#include "payload/time.h"
#include "payload/version.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

namespace balcony::payload {
namespace {

xml::Element parsed(std::string_view text) {
  auto element = xml::parse(text);
  EXPECT_TRUE(element) << text;
  return element ? *std::move(element) : xml::Element{};
}

TEST(RosterPayload, Reads) {
  const auto items = read_roster(
      parsed("<query xmlns='jabber:iq:roster' ver='7'>"
             "<item jid='Juliet@Example.com' name='Juliet' subscription='both' approved='true'>"
             "<group>Friends</group><group>Capulets</group></item>"
             "<item jid='@' name='nobody'/>"
             "<item jid='nurse@example.com' subscription='none' ask='subscribe'/>"
             "<item jid='gone@example.com' subscription='remove'/></query>"));
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 3u);
  const RosterItem& juliet = items->at(0);
  EXPECT_EQ(juliet.jid.str(), "juliet@example.com");
  EXPECT_EQ(juliet.name, "Juliet");
  EXPECT_EQ(juliet.groups, (std::vector<std::string>{"Friends", "Capulets"}));
  EXPECT_EQ(to_string(juliet.subscription), "both");
  EXPECT_TRUE(juliet.approved);
  EXPECT_FALSE(juliet.ask);
  EXPECT_TRUE(items->at(1).ask);
  EXPECT_EQ(items->at(2).subscription, RosterItem::Subscription::kRemove);
  EXPECT_EQ(read_roster(parsed("<query xmlns='jabber:iq:version'/>")).error().code,
            Errc::kMalformed);
  EXPECT_FALSE(read_roster({}));
}

TEST(RosterPayload, Writes) {
  const RosterItem item(*Jid::parse("romeo@example.net"), "R & J", {"A", "B"});
  EXPECT_TRUE(xml::same_tree(
      roster_set(item),
      parsed("<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' name='R &amp; J'>"
             "<group>A</group><group>B</group></item></query>")));
  EXPECT_TRUE(xml::same_tree(roster_remove(item.jid),
                             parsed("<query xmlns='jabber:iq:roster'><item jid='romeo@example.net' "
                                    "subscription='remove'/></query>")));
}

TEST(DiscoPayload, RoundTrip) {
  const DiscoInfo info{{{"client", "bot", "Echo"}, {"client", "pc", ""}}, {"urn:a", "urn:b"}};
  const auto again = read_disco_info(write_disco_info(info));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, info);
  EXPECT_TRUE(info.has("urn:b"));
  EXPECT_FALSE(info.has("urn:c"));
  EXPECT_FALSE(read_disco_info(disco_items_query()));
}

TEST(DiscoPayload, Items) {
  const auto items =
      read_disco_items(parsed("<query xmlns='http://jabber.org/protocol/disco#items'>"
                              "<item jid='rooms.example.com' name='Rooms'/><item jid='' node='x'/>"
                              "<item jid='example.com' node='n'/></query>"));
  ASSERT_TRUE(items);
  EXPECT_EQ(*items,
            (std::vector<DiscoItem>{DiscoItem(*Jid::parse("rooms.example.com"), "", "Rooms"),
                                    DiscoItem(*Jid::parse("example.com"), "n")}));
  EXPECT_EQ(disco_items_query("n").attr("node"), "n");
  EXPECT_FALSE(disco_info_query().has_attr("node"));
}

TEST(VersionPayload, RoundTrip) {
  const SoftwareVersion version{"Balcony", "0.1", "Linux"};
  EXPECT_EQ(*read_version(write_version(version)), version);
  EXPECT_FALSE(read_version(version_query()));
  EXPECT_FALSE(read_version({}));
}

TEST(TimePayload, ReadsAndWrites) {
  const auto time = read_time(parsed(
      "<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>"));
  ASSERT_TRUE(time);
  EXPECT_EQ(time->zone, std::chrono::minutes(-360));
  EXPECT_EQ(time->utc.time_since_epoch(), std::chrono::seconds(1'166'551'115));
  EXPECT_EQ(*read_time(write_time(*time)), *time);
  for (const char* bad :
       {"<time xmlns='urn:xmpp:time'/>",
        "<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>yesterday</utc></time>",
        "<time xmlns='urn:xmpp:time'><tzo>CET</tzo><utc>2006-12-19T17:58:35Z</utc></time>",
        "<time xmlns='jabber:iq:time'/>"}) {
    EXPECT_EQ(read_time(parsed(bad)).error().code, Errc::kMalformed) << bad;
  }
}

TEST(LastActivityPayload, ReadsAndWrites) {
  const LastActivity last{std::chrono::seconds(903), "Heading home"};
  EXPECT_EQ(*read_last_activity(write_last_activity(last)), last);
  for (const char* bad : {"", "-1", "1.5", "1 ", "99999999999", "soon"}) {
    xml::Element query = last_activity_query();
    query.set("seconds", bad);
    EXPECT_FALSE(read_last_activity(query)) << bad;
  }
  EXPECT_FALSE(read_last_activity(last_activity_query()));
}

}  // namespace
}  // namespace balcony::payload
