// The line that is typed, slash commands, widths of text, typing notices.
#include "app/balcony/chat/editor.h"
#include "app/balcony/chat/slash.h"
#include "app/balcony/chat/text.h"
#include "app/balcony/chat/typing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

namespace balcony::cli::chat {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class ChatText : public ::testing::Test {
 protected:
  ChatText() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

void type(Editor& editor, std::u32string_view text) {
  for (const char32_t c : text) editor.insert(c);
}

TEST_F(ChatText, TheLineIsEdited) {
  Editor editor;
  type(editor, U"good nigt");
  editor.left();
  editor.insert(U'h');
  EXPECT_EQ(editor.text(), "good night");
  editor.end();
  editor.erase_word();
  EXPECT_EQ(editor.text(), "good ");
  editor.home();
  editor.erase();
  EXPECT_EQ(editor.text(), "ood ");
  editor.right();
  editor.erase_line();
  EXPECT_EQ(editor.text(), "od ");
  editor.backspace();
  EXPECT_EQ(editor.text(), "od ");
  EXPECT_EQ(editor.take(), "od ");
  EXPECT_TRUE(editor.empty());
}

TEST_F(ChatText, WhatCombinesGoesWithItsCharacter) {
  Editor editor;
  type(editor, U"ae\u0301");
  editor.backspace();
  EXPECT_EQ(editor.text(), "a");
  type(editor, U"e\u0301");
  editor.left();
  EXPECT_EQ(editor.cursor(), 1u);
  editor.right();
  EXPECT_EQ(editor.cursor(), 3u);
}

TEST_F(ChatText, LinesComeBack) {
  Editor editor;
  type(editor, U"one");
  editor.take();
  type(editor, U"two");
  editor.take();
  type(editor, U"draft");
  editor.older();
  EXPECT_EQ(editor.text(), "two");
  editor.older();
  editor.older();
  EXPECT_EQ(editor.text(), "one");
  editor.newer();
  editor.newer();
  editor.newer();
  EXPECT_EQ(editor.text(), "draft");
}

TEST_F(ChatText, WideCharactersTakeTwoColumns) {
  EXPECT_EQ(width_of("caf\u00e9"), 4);
  EXPECT_EQ(width_of("\u4f60\u597d"), 4);
  EXPECT_EQ(width_of("e\u0301"), 1);
  EXPECT_EQ(fit("\u4f60\u597d\u4f60\u597d", 6), "\u4f60\u597d…");
  EXPECT_EQ(fit("short", 5), "short");
  EXPECT_EQ(fit("longer", 5), "long…");
  EXPECT_EQ(fit("x", 0), "");
}

TEST_F(ChatText, LinesBreakAtSpaces) {
  EXPECT_THAT(wrap("parting is such sweet sorrow", 10),
              ElementsAre("parting is", "such sweet", "sorrow"));
  EXPECT_THAT(wrap("abcdefgh", 3), ElementsAre("abc", "def", "gh"));
  EXPECT_THAT(wrap("a\nb", 10), ElementsAre("a", "b"));
  EXPECT_THAT(wrap("", 10), ElementsAre(""));
  EXPECT_THAT(wrap("\u4f60\u597d\u4f60", 4), ElementsAre("\u4f60\u597d", "\u4f60"));
  EXPECT_THAT(wrap("\u4f60\u597d", 1), ElementsAre("\u4f60", "\u597d"));
}

TEST(ChatSlash, ReadsCommands) {
  EXPECT_TRUE(is_command("/help"));
  EXPECT_FALSE(is_command("//not a command"));
  EXPECT_FALSE(is_command("/me waves"));
  EXPECT_FALSE(is_command("help"));
  const auto message = read_command("/msg juliet@capulet.example  Good night");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->command, Slash::kMessage);
  EXPECT_EQ(message->first, "juliet@capulet.example");
  EXPECT_EQ(message->rest, " Good night");
  EXPECT_EQ(read_command("/q")->command, Slash::kQuit);
  EXPECT_EQ(read_command("/he")->command, Slash::kHelp);
  EXPECT_FALSE(read_command("/a x"));  // add, approve, away
  EXPECT_FALSE(read_command("/nonsense"));
  EXPECT_FALSE(read_command("/"));
}

TEST(ChatTyping, TellsWhenItChanges) {
  TypingNotices typing;
  EXPECT_EQ(typing.on_input(false, 0ms), "composing");
  EXPECT_EQ(typing.on_input(false, 100ms), std::nullopt);
  EXPECT_EQ(typing.on_tick(3000ms), std::nullopt);
  EXPECT_EQ(typing.on_tick(5100ms), "paused");
  EXPECT_EQ(typing.on_tick(6000ms), std::nullopt);
  EXPECT_EQ(typing.on_input(false, 7000ms), "composing");
  EXPECT_EQ(typing.on_input(true, 7100ms), "active");
  EXPECT_EQ(typing.on_input(true, 7200ms), std::nullopt);
  EXPECT_EQ(typing.on_input(false, 8000ms), "composing");
  typing.reset();
  EXPECT_EQ(typing.on_tick(20000ms), std::nullopt);
}

}  // namespace
}  // namespace balcony::cli::chat
