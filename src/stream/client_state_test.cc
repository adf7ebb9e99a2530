// XEP-0352: what waits, what does not, and in which order it comes.
#include "stream/client_state.h"

#include "xml/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::stream {
namespace {

xml::Element stanza(const std::string& text) {
  auto parsed = xml::parse(text, xml::Scope{}, xml::Limits{});
  EXPECT_TRUE(parsed) << text;
  return parsed ? *std::move(parsed) : xml::Element{};
}
std::string presence(const std::string& from, const std::string& rest = "/>") {
  return "<presence from='" + from + "'" + rest;
}
std::string message(const std::string& from, const std::string& payload,
                    const std::string& type = "chat") {
  return "<message from='" + from + "' type='" + type + "'>" + payload + "</message>";
}
std::string element(const std::string& name, const std::string& ns) {
  return "<" + name + " xmlns='" + ns + "'/>";
}
const std::string kComposing = element("composing", "http://jabber.org/protocol/chatstates");
const std::string kReceipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";

std::string carbon(const std::string& direction, const std::string& payload) {
  return message(
      "me@a.example",
      "<" + direction +
          " xmlns='urn:xmpp:carbons:2'><forwarded "
          "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='b@a.example/x' "
          "to='me@a.example/y'>" +
          payload + "</message></forwarded></" + direction + ">");
}

class ClientStateTest : public ::testing::Test {
 protected:
  ClientState state{{.stanzas_max = 5, .bytes_max = 2'000}};

  std::vector<std::string> give(const std::string& text) { return state.on_stanza(stanza(text)); }
};

TEST(Urgency, OfEachKind) {
  struct Case {
    Urgency urgency;
    std::string text;
  };
  const Case cases[] = {
      {Urgency::kMerge, presence("a@b/c")},
      {Urgency::kMerge, presence("a@b/c", " type='unavailable'/>")},
      {Urgency::kNow, presence("a@b", " type='subscribe'/>")},
      {Urgency::kNow, presence("a@b", " type='unsubscribed'/>")},
      {Urgency::kNow, presence("a@b/c", " type='error'/>")},
      {Urgency::kMerge, presence("r@b/n",
                                 "><x xmlns='http://jabber.org/protocol/muc#user'>"
                                 "<status code='100'/></x></presence>")},
      {Urgency::kNow, presence("r@b/n",
                               "><x xmlns='http://jabber.org/protocol/muc#user'>"
                               "<status code='100'/><status code='110'/></x></presence>")},
      {Urgency::kNow, "<iq type='result' id='1'/>"},
      {Urgency::kNow, "<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>"},
      {Urgency::kNow, message("a@b/c", "<body>Hi</body>")},
      {Urgency::kNow, message("a@b/c", "<body>Hi</body>" + kComposing)},
      {Urgency::kNow, message("a@b/c", "<body>Hi</body>", "headline")},
      {Urgency::kNow, message("a@b/c", "<body>Hi</body>", "groupchat")},
      {Urgency::kNow, message("a@b/c", "<subject>Hi</subject>", "groupchat")},
      {Urgency::kNow, message("a@b/c", kComposing, "error")},
      {Urgency::kMerge, message("a@b/c", kComposing)},
      {Urgency::kMerge,
       message("a@b/c", kComposing + element("no-store", "urn:xmpp:hints") + "<thread>1</thread>")},
      {Urgency::kHold, message("a@b/c", kReceipt)},
      {Urgency::kHold, message("a@b/c", kReceipt + kComposing)},
      {Urgency::kHold, message("a@b/c", element("displayed", "urn:xmpp:chat-markers:0"))},
      {Urgency::kHold,
       message("a@b", element("event", "http://jabber.org/protocol/pubsub#event"), "headline")},
      {Urgency::kNow, message("a@b", element("propose", "urn:xmpp:jingle-message:0"))},
      {Urgency::kNow, message("r@b",
                              "<x xmlns='http://jabber.org/protocol/muc#user'>"
                              "<invite from='a@b'/></x>",
                              "normal")},
      {Urgency::kNow, message("a@b", element("x", "jabber:x:conference"), "normal")},
      {Urgency::kNow, message("a@b", element("what", "urn:example:unknown"))},
      {Urgency::kNow, carbon("received", "<body>Hi</body>")},
      {Urgency::kMerge, carbon("received", kComposing)},
      {Urgency::kHold, carbon("received", element("displayed", "urn:xmpp:chat-markers:0"))},
      {Urgency::kNow, carbon("sent", "<body>Hi</body>")},
      {Urgency::kNow, carbon("sent", element("displayed", "urn:xmpp:chat-markers:0"))},
      {Urgency::kMerge, carbon("sent", kComposing)},
  };
  for (const Case& c : cases) EXPECT_EQ(urgency_of(stanza(c.text)), c.urgency) << c.text;
}

TEST_F(ClientStateTest, TheNewestPresenceIsEnough) {
  EXPECT_TRUE(give(presence("a@b/c")).empty());
  EXPECT_TRUE(give(presence("d@b/c")).empty());
  EXPECT_TRUE(give(presence("a@b/c", "><show>away</show></presence>")).empty());
  EXPECT_EQ(state.held(), 2U);
  EXPECT_EQ(state.flush(),
            (std::vector<std::string>{"<presence from='d@b/c'/>",
                                      "<presence from='a@b/c'><show>away</show></presence>"}));
  EXPECT_EQ(state.held(), 0U);
  EXPECT_TRUE(state.flush().empty());
  EXPECT_TRUE(give(presence("a@b/c")).empty());
}

TEST_F(ClientStateTest, WhatIsHeldComesBeforeWhatIsUrgent) {
  EXPECT_TRUE(give(presence("a@b/c")).empty());
  EXPECT_TRUE(give(message("a@b/c", kReceipt)).empty());
  EXPECT_TRUE(give(message("a@b/c", kReceipt)).empty());
  EXPECT_TRUE(give(message("a@b/c", kComposing)).empty());
  EXPECT_TRUE(give(message("e@b/c", kComposing)).empty());
  EXPECT_TRUE(
      give(message("a@b/c", element("paused", "http://jabber.org/protocol/chatstates"))).empty());
  const auto all = give(message("a@b/c", "<body>Hi</body>"));
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0], "<presence from='a@b/c'/>");
  EXPECT_EQ(all[1], all[2]);
  EXPECT_NE(all[3].find("composing"), std::string::npos);
  EXPECT_NE(all[4].find("paused"), std::string::npos);
  EXPECT_NE(all[5].find("Hi"), std::string::npos);
  EXPECT_EQ(state.held(), 0U);
}

// A copy of what somebody else wrote is not what he writes himself.
TEST_F(ClientStateTest, CarbonsAreMergedAmongThemselves) {
  give(carbon("sent", kComposing));
  give(carbon("received", kComposing));
  give(carbon("received", kComposing));
  EXPECT_EQ(state.held(), 2U);
}

TEST_F(ClientStateTest, AnotherRecipientIsWritten) {
  const xml::Element given = stanza(presence("a@b/c", " to='d@b'/>"));
  EXPECT_TRUE(state.on_stanza(given, "d@b/e").empty());
  EXPECT_EQ(state.flush(), std::vector<std::string>{"<presence from='a@b/c' to='d@b/e'/>"});
}

TEST_F(ClientStateTest, NoMoreThanSoMany) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(give(presence("a@b/" + std::to_string(i))).empty());
  EXPECT_TRUE(give(presence("a@b/3")).empty());  // in place of another
  const auto all = give(presence("a@b/6"));
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all.back(), "<presence from='a@b/6'/>");
  EXPECT_EQ(state.held(), 0U);
}

TEST_F(ClientStateTest, NoMoreThanSoMuch) {
  const std::string big = "><status>" + std::string(1'200, 'x') + "</status></presence>";
  EXPECT_TRUE(give(presence("a@b/1", big)).empty());
  EXPECT_TRUE(give(presence("a@b/1", big)).empty());  // in place of the first
  EXPECT_EQ(give(presence("a@b/2", big)).size(), 2U);
  EXPECT_TRUE(give(presence("a@b/1", big)).empty());  // counted from zero again
}

}  // namespace
}  // namespace balcony::stream
