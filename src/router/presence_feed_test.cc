#include "router/presence_feed.h"

#include <gmock/gmock.h>

#include <string>

namespace balcony::router {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Stanza presence(std::string_view from, StanzaType type = StanzaType::kAvailable,
                std::string_view show = {}) {
  Stanza stanza(StanzaKind::kPresence, type);
  stanza.set_from(*Jid::parse(from));
  stanza.set_to(*Jid::parse("c.localhost"));
  if (!show.empty()) stanza.edit().append_text_element("show", show);
  return stanza;
}

TEST(PresenceFeed, TheSameIsNoNews) {
  PresenceFeed feed;
  EXPECT_TRUE(feed.take(presence("a@b/c")));
  EXPECT_FALSE(feed.take(presence("a@b/c")));
  EXPECT_TRUE(feed.take(presence("a@b/c", StanzaType::kAvailable, "away")));
  EXPECT_TRUE(feed.take(presence("a@b/d")));
  EXPECT_TRUE(feed.take(presence("a@b/c", StanzaType::kUnavailable)));
  EXPECT_FALSE(feed.take(presence("a@b/c", StanzaType::kUnavailable)));
  EXPECT_FALSE(feed.take(presence("x@b/c", StanzaType::kUnavailable))) << "never there";
}

TEST(PresenceFeed, RemembersTheLastOfEach) {
  PresenceFeed feed;
  feed.take(presence("a@b/c"));
  feed.take(presence("a@b/c", StanzaType::kAvailable, "away"));
  EXPECT_THAT(feed.available(), ElementsAre("a@b/c"));
  const auto last = feed.presence_of("a@b/c");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->xml().child_text("jabber:client", "show"), "away");
  feed.take(presence("a@b/c", StanzaType::kUnavailable));
  EXPECT_THAT(feed.available(), IsEmpty());
  EXPECT_FALSE(feed.presence_of("a@b/c"));
  EXPECT_EQ(feed.bytes(), 0U);
}

TEST(PresenceFeed, BeyondItsLimitItPassesOn) {
  PresenceFeed feed(1'000);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(feed.take(presence("a@b/" + std::to_string(i))));
    EXPECT_LE(feed.bytes(), 1'000U);
  }
  EXPECT_TRUE(feed.take(presence("a@b/99"))) << "not remembered";
  EXPECT_TRUE(feed.take(presence("a@b/99", StanzaType::kUnavailable)));
}

}  // namespace
}  // namespace balcony::router
