#include "gateway/mail/html_text.h"

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
      {"&unknown; &; & &#; &#0; &#xD800; &#99999999999;",
       "&unknown; &; & \ufffd \ufffd \ufffd &#99999999999;"},
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

// What takes an attacker a moment to write takes us no longer to read.
TEST(HtmlText, IsLinear) {
  for (const std::string_view piece : {"<", "</", "<a ", "<!--", "&", "<blockquote>", "<a href=\"",
                                       "<script>", "<p title='", "<li>"}) {
    std::string html;
    while (html.size() < 2'000'000) html += piece;
    const auto before = std::chrono::steady_clock::now();
    const std::string text = html_to_text(html);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5)) << piece;
    EXPECT_LE(text.size(), html.size() * 4) << piece;
    EXPECT_TRUE(is_utf8(text));
  }
}

}  // namespace
}  // namespace balcony::gateway::mail
