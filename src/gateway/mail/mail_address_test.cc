#include "gateway/mail/mail_address.h"

#include <gmock/gmock.h>

namespace balcony::gateway::mail {
namespace {

TEST(MailAddress, IsReadAndWrittenAsItIs) {
  for (const std::string_view text :
       {"juliet@capulet.example", "juliet.c+balcony@capulet.example", "o'neill@a.b",
        "\"juliet c\"@capulet.example", "\"a\\\"b\\\\c\"@x.example", "x@localhost",
        "ジュリエット@例え.テスト", "\"a@b\"@c.example"}) {
    const auto address = MailAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->str(), text);
    EXPECT_EQ(MailAddress::parse(address->str()), *address);
  }
}

TEST(MailAddress, QuotesThatAreNotNeededGo) {
  EXPECT_EQ(MailAddress::parse("\"juliet\"@Capulet.Example")->str(), "juliet@capulet.example");
}

TEST(MailAddress, WhatIsNoneIsRefused) {
  const std::string long_local(65, 'a');
  for (const std::string& text : {std::string(),
                                  std::string("@"),
                                  std::string("a@"),
                                  std::string("@b"),
                                  std::string("a"),
                                  std::string("a b@c"),
                                  std::string(".a@b"),
                                  std::string("a.@b"),
                                  std::string("a..b@c"),
                                  std::string("a@b c"),
                                  std::string("a@-b"),
                                  std::string("a@b..c"),
                                  std::string("a@[127.0.0.1]"),
                                  std::string("a<b@c"),
                                  std::string("a@b>"),
                                  std::string("a@b\r\nDATA"),
                                  std::string("a\r\n@b"),
                                  std::string("\"a\r\nRCPT TO:<x@y>\"@b"),
                                  std::string("\"a\\\"@b"),
                                  std::string("\"a\"b\"@c"),
                                  std::string("a\0b@c", 5),
                                  std::string("\xff@b"),
                                  std::string("a,b@c"),
                                  std::string("a@b,c@d"),
                                  long_local + "@b"}) {
    EXPECT_FALSE(MailAddress::parse(text)) << text;
  }
}

}  // namespace
}  // namespace balcony::gateway::mail
