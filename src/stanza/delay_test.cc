#include "stanza/delay.h"

#include "stanza/datetime.h"
#include "stanza/ns.h"
#include "xml/parser.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

WallTime at(std::string_view text) {
  return parse_datetime(text).value();
}

Jid jid(std::string_view text) {
  return Jid::parse(text).value();
}

// XEP-0203 §3, examples 1 and 3.
TEST(Delay, ExamplesOfXep0203) {
  const auto message = xml::parse(
      "<message xmlns='jabber:client' from='romeo@montague.net/orchard' to='juliet@capulet.com'>"
      "<body>O blessed, blessed night!</body>"
      "<delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>\n"
      "    Offline Storage\n  </delay></message>");
  const auto delay = find_delay(message->view());
  ASSERT_TRUE(delay);
  EXPECT_EQ(*delay, Delay(at("2002-09-10T23:08:25Z"), jid("capulet.com"), "Offline Storage"));

  const auto room = xml::parse(
      "<delay xmlns='urn:xmpp:delay' from='coven@macbeth.shakespeare.lit' "
      "stamp='2002-09-10T23:05:37Z'/>");
  EXPECT_EQ(read_delay(room->view()).value(),
            Delay(at("2002-09-10T23:05:37Z"), jid("coven@macbeth.shakespeare.lit")));
}

TEST(Delay, WritesWhatItReads) {
  const Delay delays[] = {
      Delay(at("2002-09-10T23:08:25Z")),
      Delay(at("2002-09-10T23:08:25.123Z"), jid("a@b/c"), "Kept <here> & there"),
  };
  for (const Delay& delay : delays) {
    EXPECT_EQ(read_delay(write_delay(delay)).value(), delay);
  }
  const xml::Element element = write_delay(delays[0]);
  EXPECT_FALSE(element.has_attr("from"));
  EXPECT_EQ(element.attr("stamp"), "2002-09-10T23:08:25Z");
}

TEST(Delay, RefusesWhatIsNone) {
  const std::pair<std::string_view, Errc> kBad[] = {
      {"<delay xmlns='urn:xmpp:delay'/>", Errc::kMalformed},
      {"<delay xmlns='urn:xmpp:delay' stamp='20020910T23:08:25'/>", Errc::kMalformed},
      {"<delay xmlns='urn:xmpp:delay' stamp=''/>", Errc::kMalformed},
      {"<delay xmlns='other' stamp='2002-09-10T23:08:25Z'/>", Errc::kMalformed},
      {"<delay xmlns='urn:xmpp:delay' from='@' stamp='2002-09-10T23:08:25Z'/>",
       Errc::kJidLocalEmpty},
  };
  for (const auto& [text, code] : kBad) {
    const auto element = xml::parse(text);
    const auto delay = read_delay(element->view());
    ASSERT_FALSE(delay) << text;
    EXPECT_EQ(delay.error().code, code) << text;
  }
}

TEST(Delay, FindsAndRemovesByWhomItIs) {
  xml::Element message(ns::kClient, "message");
  message.append(write_delay(Delay(at("2001-01-01T00:00:00Z"), jid("forged.example"))));
  message.append(write_delay(Delay(at("2002-01-01T00:00:00Z"), jid("home.example"))));
  message.append(write_delay(Delay(at("2003-01-01T00:00:00Z"))));
  message.append(ns::kDelay, "delay").set("from", "HOME.example").set("stamp", "nonsense");

  EXPECT_EQ(find_delay(message)->stamp, at("2001-01-01T00:00:00Z"));
  EXPECT_EQ(find_delay(message, jid("home.example"))->stamp, at("2002-01-01T00:00:00Z"));
  EXPECT_FALSE(find_delay(message, jid("else.example")));
  EXPECT_EQ(remove_delays(message.ref(), jid("home.example")), 2U);
  EXPECT_FALSE(find_delay(message, jid("home.example")));
  EXPECT_EQ(remove_delays(message.ref(), jid("home.example")), 0U);
  EXPECT_TRUE(find_delay(message));
}

}  // namespace
}  // namespace balcony
