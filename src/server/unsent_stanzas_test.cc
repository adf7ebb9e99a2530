#include "server/unsent_stanzas.h"

#include "base/manual_loop.h"

#include <gmock/gmock.h>

namespace balcony::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UnsentStanzasTest : public ::testing::Test {
 protected:
  // A stanza of so many bytes is written.
  void write(std::string_view id, StanzaKind kind = StanzaKind::kMessage,
             StanzaType type = StanzaType::kChat) {
    Stanza stanza(kind, type);
    stanza.set_from(*Jid::parse("romeo@localhost/orchard"));
    stanza.set_to(*Jid::parse("bot.localhost"));
    stanza.set_id(id);
    stanza.set_receipt(std::make_shared<Note>(settled, id));
    stanza.edit().append_text_element("body", "a body that is not kept");
    unsent_bytes = *unsent_bytes + 100;
    unsent.wrote(100);
    unsent.wrote(stanza);
  }
  std::vector<std::string> left() {
    std::vector<std::string> ids;
    for (const Stanza& stanza : unsent.take()) ids.emplace_back(stanza.id());
    return ids;
  }

  struct Note final : Receipt {
    Note(std::vector<std::string>& to_, std::string_view id_) : to(to_), id(id_) {}
    ~Note() override { to.push_back(id); }
    std::vector<std::string>& to;
    std::string id;
  };

  ManualLoop loop;
  std::vector<std::string> settled;
  std::optional<std::size_t> unsent_bytes = 0;
  UnsentStanzas unsent{loop, [this] { return unsent_bytes; }};
};

TEST_F(UnsentStanzasTest, WhatIsSentAtTheEndOfTheTurnIsSettledThen) {
  write("1");
  write("2");
  EXPECT_THAT(settled, IsEmpty());
  unsent_bytes = 0;
  loop.run();
  EXPECT_THAT(settled, ElementsAre("1", "2"));
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(UnsentStanzasTest, AStanzaIsOutWithItsLastByte) {
  for (const char* id : {"1", "2", "3"}) write(id);
  unsent_bytes = 101;
  loop.run();
  EXPECT_THAT(settled, ElementsAre("1"));
  unsent_bytes = 100;
  loop.advance(1s);
  EXPECT_THAT(settled, ElementsAre("1", "2"));
  EXPECT_THAT(left(), ElementsAre("3"));
}

// A steady flow, where something new is written before the last is out, is not looked at by a
// timer.
TEST_F(UnsentStanzasTest, WhileThePeerReadsEachTurnSettles) {
  write("1");
  write("2");
  unsent_bytes = 100;
  loop.post([this] { unsent_bytes = 0; });  // the peer goes on reading
  loop.run();
  EXPECT_THAT(settled, ElementsAre("1", "2"));
}

TEST_F(UnsentStanzasTest, WhenTheConnectionBrokeWhatWasNotSeenToGoIsLeft) {
  write("1");
  unsent_bytes = 0;
  loop.run();
  write("2");
  unsent_bytes = std::nullopt;
  loop.run();
  const auto stanzas = unsent.take();
  ASSERT_EQ(stanzas.size(), 1U);
  EXPECT_EQ(stanzas[0].id(), "2");
  EXPECT_EQ(stanzas[0].from()->str(), "romeo@localhost/orchard");
  EXPECT_FALSE(stanzas[0].xml().has_children());
  EXPECT_THAT(settled, ElementsAre("1")) << "it is settled with its error";
}

TEST_F(UnsentStanzasTest, OnlyWhatSomebodyWaitsForIsKept) {
  write("p", StanzaKind::kPresence, StanzaType::kAvailable);
  write("r", StanzaKind::kIq, StanzaType::kResult);
  write("e", StanzaKind::kMessage, StanzaType::kError);
  write("g", StanzaKind::kIq, StanzaType::kGet);
  EXPECT_THAT(left(), ElementsAre("g"));
}

}  // namespace
}  // namespace balcony::server
