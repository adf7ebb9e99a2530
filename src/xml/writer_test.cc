#include "xml/writer.h"

#include "xml/parser.h"

#include <gtest/gtest.h>

namespace balcony::xml {
namespace {

std::string written(ElementView element, const WriteOptions& options = {}) {
  std::string out = "before ";
  write(out, element, options);
  return out.substr(7);
}

TEST(Writer, WritesCanonically) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"<message to=\"a\"  from='b'><body></body></message>",
       "<message to='a' from='b'><body/></message>"},
      {"<a xmlns:p='urn:p'><p:b><c/></p:b><p:d/></a>",
       "<a><b xmlns='urn:p'><c xmlns='jabber:client'/></b><d xmlns='urn:p'/></a>"},
      {"<a xmlns=''><b/></a>", "<a xmlns=''><b/></a>"},
      {"<a>&lt;&gt;&amp;'\"&#13;\t\n]]&gt;</a>", "<a>&lt;&gt;&amp;'\"&#13;\t\n]]&gt;</a>"},
      {"<a b='&lt;>&amp;&apos;\"&#9;&#10;&#13; '/>",
       "<a b='&lt;>&amp;&apos;&quot;&#9;&#10;&#13; '/>"},
      {"<a xml:lang='de'/>", "<a xml:lang='de'/>"},
      {"<a xmlns:p='urn:p' b='' p:c='1' xmlns:q='urn:q' p:d='2' q:c='3'/>",
       "<a b='' xmlns:a1='urn:p' a1:c='1' a1:d='2' xmlns:a3='urn:q' a3:c='3'/>"},
      {"<s:features xmlns:s='http://etherx.jabber.org/streams'><a/><b xmlns='urn:b'/><s:c/>"
       "</s:features>",
       "<stream:features><a/><b xmlns='urn:b'/><stream:c/></stream:features>"},
      {"<xml:a><b/></xml:a>", "<xml:a><b/></xml:a>"},
      {"<a>x<![CDATA[<]]>\xD0\x9D</a>", "<a>x&lt;\xD0\x9D</a>"},
  };
  for (const auto& [wire, canonical] : rows) {
    const auto element = parse(wire, Scope{}, Limits{});
    ASSERT_TRUE(element) << wire << element.error().to_string();
    EXPECT_EQ(written(*element), canonical) << wire;
  }
}

TEST(Writer, AloneDeclaresAll) {
  Element features(kStreamNs, "features");
  features.append(kClientNs, "a");
  EXPECT_EQ(to_string(features),
            "<features xmlns='http://etherx.jabber.org/streams'><a xmlns='jabber:client'/>"
            "</features>");
  EXPECT_EQ(to_string({}), "");
}

TEST(Writer, WritesOnlyTheElementThatWasAsked) {
  Element a("urn:a", "a");
  a.append("b").append("c");
  a.append("d");
  EXPECT_EQ(to_string(a.first_child()), "<b xmlns='urn:a'><c/></b>");
}

TEST(Writer, TranslatesTheContentNamespace) {
  Element message(kClientNs, "message");
  message.append("body").append_text("x");
  message.append("urn:f", "forwarded").append(kClientNs, "message");
  const WriteOptions options{.scope_ns = "jabber:server", .content_ns = "jabber:server"};
  EXPECT_EQ(written(message, options),
            "<message><body>x</body><forwarded xmlns='urn:f'><message xmlns='jabber:client'/>"
            "</forwarded></message>");
  EXPECT_EQ(written(message, {.scope_ns = {}, .content_ns = "jabber:component:accept"}),
            "<message xmlns='jabber:component:accept'><body>x</body><forwarded xmlns='urn:f'>"
            "<message xmlns='jabber:client'/></forwarded></message>");
}

TEST(Writer, ReplacesTo) {
  Element message(kClientNs, "message");
  message.append("x").set("to", "inner");
  EXPECT_EQ(written(message, {.to = "a'b"}), "<message to='a&apos;b'><x to='inner'/></message>");
  message.set("to", "old").set("id", "1");
  EXPECT_EQ(written(message, {.to = "new"}), "<message to='new' id='1'><x to='inner'/></message>");
}

TEST(Writer, HostileContentStaysContent) {
  const std::string_view hostile[] = {"'/><evil/>", "\"'<>&]]>",     "</a><b>", "&lt;", "\r\n\t \r",
                                      "<!--",       "<![CDATA[x]]>", "&#0;",    ""};
  for (const std::string_view text : hostile) {
    Element a("urn:a", "a");
    a.set("v", text).append_text(text);
    const auto again = parse(to_string(a));
    ASSERT_TRUE(again) << to_string(a);
    EXPECT_TRUE(same_tree(a, *again)) << to_string(a);
  }
}

TEST(Writer, ReplacesWhatXmlForbids) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"a\0b\x01"sv, "a\uFFFDb\uFFFD"}, {"\x80", "\uFFFD"},
      {"\xC0\x80", "\uFFFD\uFFFD"},     {"\xE2\x82", "\uFFFD"},
      {"\xE2\x82x", "\uFFFDx"},         {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
      {"\xEF\xBF\xBE", "\uFFFD"},       {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xC3\xA9\xFF", "é\uFFFD"},
  };
  for (const auto& [bytes, text] : rows) {
    std::string out;
    append_escaped_text(out, bytes);
    EXPECT_EQ(out, text);
    out.clear();
    append_escaped_attribute(out, bytes);
    EXPECT_EQ(out, text);
  }
}

TEST(Writer, NamesStayNames) {
  Element a("urn:a", "a b");
  a.set("c='d' e", "").set("", "f");
  a.append("1:\xFFx");
  const std::string out = to_string(a);
  EXPECT_TRUE(parse(out)) << out;
  EXPECT_EQ(out,
            "<a\uFFFDb xmlns='urn:a' c\uFFFD\uFFFDd\uFFFD\uFFFDe='' \uFFFD='f'>"
            "<\uFFFD\uFFFD\uFFFDx/></a\uFFFDb>");
}

TEST(Writer, DeepTreesNeedNoStack) {
  Element top("urn:a", "a");
  ElementRef at = top.ref();
  for (int i = 0; i < 200'000; ++i) at = at.append(i % 3 == 0 ? kStreamNs : "urn:a", "b");
  std::string out;
  write(out, top);
  EXPECT_GT(out.size(), 200'000U);
  EXPECT_TRUE(out.ends_with("</a>"));
  EXPECT_TRUE(same_tree(top, top.clone()));
}

}  // namespace
}  // namespace balcony::xml
