#include "app/balcony/chat/model.h"

#include "stanza/ns.h"
#include "xml/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace balcony::cli::chat {
namespace {

using ::testing::HasSubstr;
using Subscription = RosterItem::Subscription;

const Jid kSelf = *Jid::parse("juliet@capulet.example/balcony");

// A message as the library hands it in, with the element that it looks into.
struct Came {
  explicit Came(const std::string& xml, Message::Copy copy = Message::Copy::kNone)
      : element(*xml::parse(xml, {}, {})),
        message{*Jid::parse(element.attr("from")),
                element.attr("type"),
                element.attr("id"),
                element.view().child_text(ns::kClient, "body"),
                {},
                {},
                element,
                copy,
                {},
                {},
                {},
                element.child(ns::kReceipts, "received").attr("id")} {
    if (element.has_attr("to")) message.to = *Jid::parse(element.attr("to"));
    for (const auto child : element.children()) {
      if (child.ns() == ns::kChatStates) message.chat_state = child.name();
    }
  }
  xml::Element element;
  Message message;
};

std::string chat_message(const std::string& body, const std::string& more = {}) {
  return "<message from='romeo@montague.example/o' type='chat' id='m1'>" +
         (body.empty() ? "" : "<body>" + body + "</body>") + more + "</message>";
}

RosterItem romeo(Subscription subscription = Subscription::kBoth) {
  RosterItem item(*Jid::parse("romeo@montague.example"), "Romeo");
  item.subscription = subscription;
  return item;
}

Presence presence(const std::string& from, std::string_view type, const std::string& show = {}) {
  return Presence{*Jid::parse(from), type, show, {}, 0, {}};
}

std::string rows_of(const Model& model) {
  std::string all;
  for (const Row& row : model.rows()) {
    all += row.symbol;
    all += row.label;
    if (row.unread > 0) all += "(" + std::to_string(row.unread) + ")";
    if (row.types) all += "…";
    all += row.selected ? "* " : " ";
  }
  return all;
}

TEST(ChatModel, ShowsWhoIsThereFirst) {
  Model model(kSelf);
  RosterItem nurse(*Jid::parse("nurse@capulet.example"));
  model.set_roster({romeo(), nurse});
  EXPECT_EQ(rows_of(model), " balcony* -Romeo -nurse@capulet.example ");
  model.on_presence(presence("nurse@capulet.example/a", "", "away"));
  EXPECT_EQ(rows_of(model), " balcony* ~nurse@capulet.example -Romeo ");
  model.on_presence(presence("nurse@capulet.example/b", "", ""));
  model.on_presence(presence("romeo@montague.example/o", "", "dnd"));
  EXPECT_EQ(rows_of(model), " balcony* !Romeo +nurse@capulet.example ");
  model.on_presence(presence("nurse@capulet.example/b", "unavailable"));
  EXPECT_EQ(rows_of(model), " balcony* !Romeo ~nurse@capulet.example ");
  model.forget_presence();
  EXPECT_EQ(rows_of(model), " balcony* -Romeo -nurse@capulet.example ");
  model.change_roster(romeo(Subscription::kRemove));
  EXPECT_EQ(rows_of(model), " balcony* -nurse@capulet.example ");
}

TEST(ChatModel, CountsWhatIsUnread) {
  Model model(kSelf);
  model.set_roster({romeo()});
  model.on_message(Came(chat_message("one")).message, "14:02");
  model.on_message(Came(chat_message("two")).message, "14:03");
  EXPECT_EQ(rows_of(model), " balcony* -Romeo(2) ");
  EXPECT_EQ(model.unread(), 2u);
  model.select_next(1);
  EXPECT_EQ(model.selected(), "romeo@montague.example");
  EXPECT_EQ(model.unread(), 0u);
  ASSERT_EQ(model.current().lines.size(), 2u);
  EXPECT_EQ(model.current().lines[1].text, "two");
  EXPECT_EQ(model.current().lines[1].time, "14:03");
  model.on_message(Came(chat_message("three")).message, "14:04");
  EXPECT_EQ(model.unread(), 0u);
}

TEST(ChatModel, NextIsWhoHasSomethingUnread) {
  Model model(kSelf);
  model.select("a@x.example");
  model.select("b@x.example");
  model.select("romeo@montague.example");
  model.select("");
  model.on_message(Came(chat_message("one")).message, "");
  model.select_next(1);
  EXPECT_EQ(model.selected(), "romeo@montague.example");
  model.select_next(1);
  EXPECT_EQ(model.selected(), "");
  model.select_next(1);
  EXPECT_EQ(model.selected(), "a@x.example");
  model.select_next(-1);
  EXPECT_EQ(model.selected(), "");
  model.select("a@x.example");
  model.close("a@x.example");
  EXPECT_EQ(model.selected(), "");
  EXPECT_EQ(model.find("a@x.example"), nullptr);
}

TEST(ChatModel, FollowsTheDeliveryOfAMessage) {
  Model model(kSelf);
  const std::string with = "romeo@montague.example";
  model.say(with, "m7", "Hark", "14:02", true);
  const auto delivery = [&] { return model.find(with)->lines.front().delivery; };
  EXPECT_EQ(delivery(), Delivery::kSent);
  model.set_delivery("m7", Delivery::kServer);
  EXPECT_EQ(delivery(), Delivery::kServer);
  model.on_message(Came(chat_message("", "<received xmlns='urn:xmpp:receipts' id='m7'/>")).message,
                   "");
  EXPECT_EQ(delivery(), Delivery::kDelivered);
  model.set_delivery("m7", Delivery::kServer);
  EXPECT_EQ(delivery(), Delivery::kDelivered);
}

TEST(ChatModel, AnErrorFailsTheMessage) {
  Model model(kSelf);
  const std::string with = "romeo@montague.example";
  model.say(with, "m1", "Hark", "14:02", true);
  model.on_message(
      Came("<message from='romeo@montague.example' type='error' id='m1'><error type='cancel'>"
           "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
          .message,
      "14:03");
  EXPECT_EQ(model.find(with)->lines[0].delivery, Delivery::kFailed);
  EXPECT_THAT(model.find(with)->lines[1].text, HasSubstr("service-unavailable"));
}

TEST(ChatModel, MessagesWaitForAConnection) {
  Model model(kSelf);
  model.say("romeo@montague.example", "m1", "Hark", "14:02", false);
  EXPECT_EQ(model.find("romeo@montague.example")->lines[0].delivery, Delivery::kWaiting);
  const auto waiting = model.take_waiting();
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].with, "romeo@montague.example");
  EXPECT_EQ(waiting[0].line.text, "Hark");
  EXPECT_TRUE(model.take_waiting().empty());
}

TEST(ChatModel, ReceiptsAreForWhoMaySeeUs) {
  const std::string asks = chat_message("x", "<request xmlns='urn:xmpp:receipts'/>");
  Model model(kSelf);
  EXPECT_FALSE(model.on_message(Came(asks).message, ""));
  model.set_roster({romeo(Subscription::kTo)});
  EXPECT_FALSE(model.on_message(Came(asks).message, ""));
  model.set_roster({romeo(Subscription::kFrom)});
  EXPECT_TRUE(model.on_message(Came(asks).message, ""));
  EXPECT_FALSE(model.on_message(Came(chat_message("x")).message, ""));
  EXPECT_FALSE(model.on_message(Came(asks, Message::Copy::kReceived).message, ""));
}

TEST(ChatModel, KnowsWhoTypes) {
  const std::string composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
  Model model(kSelf);
  // A stranger who only types opens no conversation.
  model.on_message(Came(chat_message("", composing)).message, "");
  EXPECT_EQ(model.find("romeo@montague.example"), nullptr);
  model.on_message(Came(chat_message("hello")).message, "");
  EXPECT_FALSE(model.find("romeo@montague.example")->knows_states);
  model.on_message(Came(chat_message("", composing)).message, "");
  EXPECT_TRUE(model.find("romeo@montague.example")->they_type);
  EXPECT_THAT(rows_of(model), HasSubstr("…"));
  model.on_message(Came(chat_message("without a state")).message, "");
  EXPECT_FALSE(model.find("romeo@montague.example")->they_type);
  model.on_message(Came(chat_message("", composing)).message, "");
  model.on_message(Came(chat_message("done",
                                     "<active xmlns='http://jabber.org/protocol/"
                                     "chatstates'/>"))
                       .message,
                   "");
  EXPECT_FALSE(model.find("romeo@montague.example")->they_type);
}

TEST(ChatModel, WhatAnotherClientOfOursSentIsOurs) {
  Model model(kSelf);
  model.on_message(Came("<message from='juliet@capulet.example/phone' type='chat' id='c1' "
                        "to='romeo@montague.example/o'><body>from the phone</body></message>",
                        Message::Copy::kSent)
                       .message,
                   "14:02");
  const Conversation* conversation = model.find("romeo@montague.example");
  ASSERT_NE(conversation, nullptr);
  EXPECT_EQ(conversation->lines[0].kind, Line::Kind::kOurs);
  EXPECT_EQ(conversation->unread, 0u);
}

TEST(ChatModel, PeersDoNotSteerTheTerminal) {
  Model model(kSelf);
  model.on_message(Came(chat_message("a\xC2\x9B"
                                     "31mred&#x85;"))
                       .message,
                   "");
  const std::string text = model.find("romeo@montague.example")->lines[0].text;
  EXPECT_EQ(text.find('\x9B'), std::string::npos);
}

TEST(ChatModel, RequestsBecomeNotices) {
  Model model(kSelf);
  model.select("a@x.example");
  model.on_presence(presence("romeo@montague.example", "subscribe"));
  EXPECT_EQ(model.find("")->unread, 1u);
  EXPECT_THAT(model.find("")->lines[0].text, HasSubstr("/approve romeo@montague.example"));
}

TEST(ChatModel, FindsWhoIsMeant) {
  Model model(kSelf);
  RosterItem other(*Jid::parse("romeo@example.net"));
  model.set_roster({romeo()});
  EXPECT_EQ(model.resolve("Romeo")->str(), "romeo@montague.example");
  EXPECT_EQ(model.resolve("romeo")->str(), "romeo@montague.example");
  EXPECT_EQ(model.resolve("Nurse@Capulet.example/x")->str(), "nurse@capulet.example");
  EXPECT_FALSE(model.resolve("nobody"));
  model.set_roster({romeo(), other});
  EXPECT_THAT(model.resolve("romeo").error().detail, HasSubstr("more than one"));
}

TEST(ChatModel, ForgetsWhatIsOld) {
  Model model(kSelf);
  for (std::size_t i = 0; i < Conversation::kLinesMax + 5; ++i) model.notice(std::to_string(i));
  EXPECT_EQ(model.current().lines.size(), Conversation::kLinesMax);
  EXPECT_EQ(model.current().lines.front().text, "5");
}

}  // namespace
}  // namespace balcony::cli::chat
