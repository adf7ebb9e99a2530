#include "gateway/mail/quoting.h"

#include <gmock/gmock.h>

namespace balcony::gateway::mail {
namespace {

TEST(ChatText, IsWithoutWhatTheReaderHasSeen) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Hello\r\nyou\r\n", "Hello\nyou"},
      {"\n\n\nHello\n\n\n", "Hello"},
      {"Hello\n-- \nJuliet Capulet\nVerona", "Hello"},
      {"Hello\n--\nJuliet", "Hello"},
      {"-- \nnothing else", "-- \nnothing else"},
      {"Yes.\n\nOn 23 Nov 2026, Romeo wrote:\n> Will you?\n> Please.\n", "Yes."},
      {"Yes.\n\nOn Mon, 23 Nov 2026 at 05:00, Romeo <r@m.example>\nwrote:\n\n> Will you?\n",
       "Yes."},
      {"I wonder:\n> Will you?\n", "I wonder:"},
      {"> Will you?\nYes.\n> When?\nNow.", "> Will you?\nYes.\n> When?\nNow."},
      {"> 1\n> 2\n> 3\n> 4\nYes", "> 1\n> 2\n> 3\n> 4\nYes"},
      {"> 1\n> 2\n> 3\n> 4\n> 5\nYes", "> 1\n> 2\n> 3\n> […]\nYes"},
      {"> only\n> quoted", "> only\n> quoted"},
      {"a\x01\x1b[31mb\u202ec\u0085", "a[31mbc"},
      {"caf\xe9", "caf?"},
      {"", ""},
  };
  for (const auto& [mail, chat] : cases) EXPECT_EQ(chat_text(mail, 10'000), chat) << mail;
}

TEST(ChatText, IsCutBetweenCharactersAndSaysSo) {
  std::string text;
  for (int i = 0; i < 2'000; ++i) text += "é";
  const std::string cut = chat_text(text, 1'001);
  EXPECT_LE(cut.size(), 1'001U);
  EXPECT_THAT(cut, testing::EndsWith("\n[… 2999 more bytes are not shown]"));
  EXPECT_EQ(cut.find("\xc3\n"), std::string::npos);
}

TEST(OneLine, HasNoControlsAndIsCut) {
  EXPECT_EQ(one_line("  a\r\n b\tc \x7f", 100), "a b c");
  EXPECT_EQ(one_line("aé", 2), "a");
  EXPECT_EQ(one_line("a b", 2), "a");
}

TEST(BaseSubject, IsWithoutWhatAnswersAdd) {
  EXPECT_EQ(base_subject("Re: RE: AW:  Fwd: The balcony"), "The balcony");
  EXPECT_EQ(base_subject("Regarding"), "Regarding");
  EXPECT_EQ(base_subject("re:"), "");
}

}  // namespace
}  // namespace balcony::gateway::mail
