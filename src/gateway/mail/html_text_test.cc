#include "gateway/mail/html_text.h"

#include "gateway/mail/html_parser.h"
#include "precis/utf8.h"

#include <gmock/gmock.h>

#include <chrono>

namespace balcony::gateway::mail {
namespace {

TEST(HtmlText, IsWhatAPersonWouldRead) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain", "plain"},
      {"a  \n b", "a b"},
      {"<p>one</p><p>two</p>", "one\n\ntwo"},
      {"one<br>two<br/>three", "one\ntwo\nthree"},
      {"one<br><br><br>two", "one\n\ntwo"},
      {"<div>one</div><div>two</div>", "one\ntwo"},
      {"<b>bold</b> and <i>not</i>", "bold and not"},
      {"<ul><li>one<li>two</ul>end", "- one\n- two\nend"},
      {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
      {"<a href='https://x.example/?a=1&amp;b=2'>there</a>.",
       "there <https://x.example/?a=1&b=2>."},
      {"<a href=https://x.example>https://x.example</a>", "https://x.example"},
      {"<a href='javascript:alert(1)'>click</a>", "click"},
      {"<img src=x alt='A rose'>", "[A rose]"},
      {"<blockquote>He said<br>this</blockquote>I say", "> He said\n> this\n\nI say"},
      {"&lt;b&gt; &amp;amp; &eacute;&#233;&#xE9; &nbsp; &copy;",
       "<b> &amp; \u00e9\u00e9\u00e9  \u00a9"},
      {"&unknown; &; &", "&unknown; &; &"},
      {"one&nbsp;two&shy;three&zwnj;\u200bfour", "one twothreefour"},
      {"<meta charset=iso-8859-1><p>\u00e9", "\u00e9"},
      {"a<script>if (a < b) { '</b>' }</script>b", "ab"},
      {"a<STYLE>p { }</Style >b", "ab"},
      {"<head><title>T</title></head>text", "text"},
      {"a<!-- <p>no</p> -->b<!DOCTYPE x><?pi?>c", "abc"},
      {"a < b and c<d", "a < b and c"},
      {"<p title='a > b'>x", "x"},
      {"<script>never ends", ""},
      {"<!-- never ends", ""},
      {"a<p", "a"},
  };
  for (const auto& [html, text] : cases) EXPECT_EQ(html_to_text(html), text) << html;
}

TEST(HtmlText, TakesNoCharacterThatAMessageMayNotHave) {
  for (const std::string_view html :
       {"a&#0;b", "a&#xD800;b", "a&#99999999999;b", "a&#x1;b", "a\x01b"}) {
    const std::string text = html_to_text(html);
    EXPECT_TRUE(is_utf8(text)) << html;
    EXPECT_EQ(text.find_first_of(std::string_view("\0\1", 2)), std::string::npos) << html;
    EXPECT_TRUE(text.starts_with('a')) << html;
  }
}

TEST(HtmlText, TellsWhatItLeftOut) {
  std::string deep = "before";
  for (std::size_t i = 0; i < kHtmlDepthMax + 10; ++i) deep += "<b>";
  EXPECT_EQ(html_to_text(deep + "behind"), "before\n[The rest of this mail is left out]");
  std::string wide = "before<p";
  for (std::size_t i = 0; i <= kHtmlAttributesMax; ++i) wide += " a" + std::to_string(i);
  EXPECT_EQ(html_to_text(wide + ">behind"), "before\n\n[The rest of this mail is left out]");
  const std::string text = html_to_text(std::string(kHtmlBytesMax - 1, 'x') + "\u00e9\u00e9");
  EXPECT_TRUE(is_utf8(text));
  EXPECT_TRUE(text.ends_with("[The rest of this mail is left out]"));
}

// Wherever a reader may see a tag: in comments, in quotes, behind what looks like its end.
TEST(HtmlText, CountsAttributesBeforeItReads) {
  const std::vector<std::pair<std::string, std::size_t>> cases = {
      {"<p a b c>", 0},
      {"text <p a b c> text", 5},
      {"<p a='x y z'b=\"> > >\"c=1>", 0},
      {"<!-- <q a=\" --> <p a b c>", 16},
      {"<p \"=\" b c>", 0},
      {"a <p a b> <p a b=c d e>", 10},
      {"<P/a/b c/d 'e>", 0},
      {"<p a b c", 0},
  };
  for (const auto& [html, place] : cases) {
    EXPECT_EQ(html_within_limits(html, 2), place) << html;
    EXPECT_EQ(html_within_limits(html, 9), html.size()) << html;
  }
  const std::string_view usual = "<p a b>four words of text</p><br/><p a='1 2 3 4'>";
  EXPECT_EQ(html_within_limits(usual, 2), usual.size());
}

// What takes an attacker a moment to write takes us no longer to read.
TEST(HtmlText, IsLinear) {
  for (const std::string_view piece :
       {"<", "</", "<a ", "<!--", "&", "<blockquote>", "<a href=\"", "<script>", "<p title='",
        "<li>", "</i>", "<p a=<b ", "<p a ", "&a;", "<b></i>", "<table>", "<a>"}) {
    std::string html;
    while (html.size() < 150'000) html += piece;
    const auto before = std::chrono::steady_clock::now();
    const std::string text = html_to_text(html);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5)) << piece;
    EXPECT_LE(text.size(), html.size() * 4) << piece;
    EXPECT_TRUE(is_utf8(text));
  }
}

}  // namespace
}  // namespace balcony::gateway::mail
