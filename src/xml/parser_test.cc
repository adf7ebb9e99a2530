#include "xml/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace balcony::xml {
namespace {

// Parses a copy of exact size, so that ASan finds what reads too far.
Result<Element> parse_copy(std::string_view bytes, const Scope& scope = {},
                           const Limits& limits = {}) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return parse({copy.data(), copy.size()}, scope, limits);
}

TEST(Parser, BuildsTheTree) {
  const auto message = parse_copy(
      "<message from='a@b' to=\"c'd\" ><body>x &lt; y</body>tail<e "
      "xmlns='urn:e'><f/></e></message>");
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is(kClientNs, "message"));
  EXPECT_EQ(message->attr("from"), "a@b");
  EXPECT_EQ(message->attr("to"), "c'd");
  EXPECT_EQ(message->view().child_text({}, "body"), "x < y");
  EXPECT_EQ(message->text(), "tail");
  EXPECT_TRUE(message->child("urn:e", "e").child("f"));
  EXPECT_TRUE(message->child("urn:e", "e").parent().is(kClientNs, "message"));
}

TEST(Parser, UnescapesAndNormalisesText) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"a&lt;&gt;&amp;&apos;&quot;b", "a<>&'\"b"},
      {"&#65;&#x42;&#x1F600;", "AB\xF0\x9F\x98\x80"},
      // XML 1.0 §2.11.
      {"a\r\nb\rc\nd\r\r\n", "a\nb\nc\nd\n\n"},
      {"&#13;\n&#xD;", "\r\n\r"},
      {"a<![CDATA[<&amp;]] >\r\n]]>b", "a<&amp;]] >\nb"},
      {"<![CDATA[]]]]><![CDATA[>]]>", "]]>"},
      {"<![CDATA[]]>", ""},
      {"<![CDATA[\xC3\xA9]\xC3\xA9]]>", "\xC3\xA9]\xC3\xA9"},
      {"]] ]&gt; >", "]] ]> >"},
      {"\t \x7F\xC2\x80\xEF\xBF\xBD", "\t \x7F\xC2\x80\xEF\xBF\xBD"},
      {"0123456789abcdef0123456789&amp;0123456789abcdef0123456789",
       "0123456789abcdef0123456789&0123456789abcdef0123456789"},
  };
  for (const auto& [wire, text] : rows) {
    const auto element = parse_copy("<a>" + std::string(wire) + "</a>");
    ASSERT_TRUE(element) << wire;
    EXPECT_EQ(element->text(), text) << wire;
    const Node* first = element->view().node()->first;
    EXPECT_EQ(first != nullptr, !text.empty());
    EXPECT_TRUE(!first || !first->next) << "one node for one run of text";
  }
}

TEST(Parser, NormalisesAttributes) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"a\tb\nc\rd\r\ne", "a b c d e"},  // XML 1.0 §3.3.3
      {"&#9;&#10;&#13;&#x20; ", "\t\n\r  "},
      {"&lt;\"&gt;&quot;&apos;&amp;amp;", "<\">\"'&amp;"},
      {"", ""},
      {"\xE2\x82\xAC&amp;\xE2\x82\xAC]]>", "\xE2\x82\xAC&\xE2\x82\xAC]]>"},
  };
  for (const auto& [wire, value] : rows) {
    const auto element = parse_copy("<a b='" + std::string(wire) + "'/>");
    ASSERT_TRUE(element) << wire;
    EXPECT_EQ(element->view().find_attr("b"), value) << wire;
  }
}

TEST(Parser, ResolvesNamespaces) {
  const auto a = parse_copy(
      "<a xmlns:p='urn:p' p:x='1' x='2' xml:lang='de'><p:b p:x='3' xmlns:p='urn:q'/><p:b/>"
      "<c xmlns=''><d/><e xmlns='urn:e'/></c><xml:f xmlns:xml='" +
      std::string(kXmlNs) + "'/></a>");
  ASSERT_TRUE(a) << a.error().to_string();
  EXPECT_EQ(a->view().attr("urn:p", "x"), "1");
  EXPECT_EQ(a->attr("x"), "2");
  EXPECT_EQ(a->view().lang(), "de");
  EXPECT_EQ(a->child("urn:q", "b").attr("urn:q", "x"), "3");
  EXPECT_TRUE(a->child("urn:p", "b"));
  const ElementView c = a->child("urn:p", "b").next_sibling();
  EXPECT_EQ(c.ns(), "");
  EXPECT_EQ(c.first_child().ns(), "");
  EXPECT_EQ(c.first_child().next_sibling().ns(), "urn:e");
  EXPECT_TRUE(a->child(kXmlNs, "f"));
  EXPECT_EQ(c.first_attribute(), nullptr);
}

TEST(Parser, KnowsTheStreamHeader) {
  const auto header = parse_stream_header(
      "<stream:stream from='a' to='b' id='c' version='1.0' xml:lang='de' xmlns='jabber:server' "
      "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>",
      {});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->from, "a");
  EXPECT_EQ(header->to, "b");
  EXPECT_EQ(header->id, "c");
  EXPECT_EQ(header->version, "1.0");
  EXPECT_EQ(header->lang, "de");
  EXPECT_EQ(header->content_ns, "jabber:server");
  EXPECT_EQ(header->root_ns, kStreamNs);
  EXPECT_EQ(header->root_name, "stream");
  ASSERT_EQ(header->declarations.size(), 2U);
  EXPECT_EQ(header->declarations[0].prefix, "db");

  const Scope scope = scope_of(*header);
  const auto result = parse_copy("<db:result db:x=''/>", scope);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->is("jabber:server:dialback", "result"));
  EXPECT_EQ(result->view().lang(), "de");
  const auto other = parse_copy("<iq xml:lang='en'/>", scope);
  EXPECT_EQ(other->view().lang(), "en");
  EXPECT_EQ(other->view().first_attribute()->next, nullptr);
}

TEST(Parser, TranslatesTheContentNamespace) {
  const Scope scope{.default_ns = "jabber:server", .content_ns = "jabber:server"};
  const auto message = parse_copy(
      "<message><body/><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:server'/>"
      "<message xmlns='jabber:client'/></forwarded><s:thread xmlns:s='jabber:server'/></message>",
      scope);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is(kClientNs, "message"));
  EXPECT_TRUE(message->child(kClientNs, "body"));
  EXPECT_TRUE(message->child(kClientNs, "thread"));
  const ElementView forwarded = message->child("urn:xmpp:forward:0", "forwarded");
  EXPECT_TRUE(forwarded.child("jabber:server", "message"));
  EXPECT_TRUE(forwarded.child("jabber:client", "message"));
}

TEST(Parser, HeaderErrors) {
  EXPECT_EQ(parse_stream_header("<stream:stream>", {}).error().code, Errc::kXmlBadNamespacePrefix);
  EXPECT_EQ(parse_stream_header("<s><a/>", {}).error().code, Errc::kXmlNotWellFormed);
  EXPECT_EQ(parse_stream_header("", {}).error().code, Errc::kXmlNotWellFormed);
  const auto odd = parse_stream_header("<stream xmlns='http://etherx.jabber.org/streams'/>", {});
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->root_ns, kStreamNs);
  EXPECT_EQ(scope_of(*odd).default_ns, kStreamNs);
}

TEST(Parser, ElementAloneHasNoNamespaceAround) {
  const auto element = parse("<a><b xmlns='urn:b'/></a>");
  ASSERT_TRUE(element);
  EXPECT_EQ(element->ns(), "");
  EXPECT_TRUE(element->child("urn:b", "b"));
}

using namespace std::string_view_literals;
constexpr Errc kSyntax = Errc::kXmlNotWellFormed;
constexpr Errc kRestricted = Errc::kXmlRestricted;
constexpr Errc kEncoding = Errc::kXmlBadEncoding;
constexpr Errc kPrefix = Errc::kXmlBadNamespacePrefix;
const std::pair<std::string_view, Errc> kBadXml[] = {
    {"", kSyntax},
    {"a", kSyntax},
    {" <a/>", kSyntax},
    {"<a/> ", kSyntax},
    {"<a/><b/>", kSyntax},
    {"<", kSyntax},
    {"<a", kSyntax},
    {"<a ", kSyntax},
    {"<a b", kSyntax},
    {"<a b=", kSyntax},
    {"<a b='", kSyntax},
    {"<a b='&", kSyntax},
    {"<a b='\xC3", kEncoding},
    {"<a/", kSyntax},
    {"<a>", kSyntax},
    {"<a><", kSyntax},
    {"<a></", kSyntax},
    {"<a></a", kSyntax},
    {"<a><![CDATA[", kSyntax},
    {"<a><![CDATA[]]", kSyntax},
    {"<a>\0</a>"sv, kSyntax},
    {"<a b='\0'/>"sv, kSyntax},
    {"<a></b>", kSyntax},
    {"<a></aa>", kSyntax},
    {"<p:a xmlns:p='x'></a>", kSyntax},
    {"<a b='1' b='2'/>", kSyntax},
    {"<a b=1/>", kSyntax},
    {"<a b='1'c='2'/>", kSyntax},
    {"<a>]]></a>", kSyntax},
    {"<a b='<'/>", kSyntax},
    {"<a>&#0;</a>", kSyntax},
    {"<a>&#xFFFE;</a>", kSyntax},
    {"<a>&#xD800;</a>", kSyntax},
    {"<a>\xEF\xBF\xBF</a>", kSyntax},
    {"<a>\x01</a>", kSyntax},
    {"<a:b:c/>", kSyntax},
    {"<:a/>", kSyntax},
    {"<a:/>", kSyntax},
    {"<a><!-- --></a>", kRestricted},
    {"<a><?pi?></a>", kRestricted},
    {"<?xml version='1.0'?><a/>", kSyntax},
    {"<a><!DOCTYPE b></a>", kRestricted},
    {"<a>&b;</a>", kRestricted},
    {"<a b='&nbsp;'/>", kRestricted},
    {"<a>\xC0\x80</a>", kEncoding},
    {"<a>\xED\xA0\x80</a>", kEncoding},
    {"<a b='\xF4\x90\x80\x80'/>", kEncoding},
    {"<\xFF/>", kEncoding},
    {"<a><![CDATA[\xC3]]></a>", kEncoding},
    // Namespaces in XML 1.0.
    {"<p:a/>", kPrefix},
    {"<a p:b=''/>", kPrefix},
    {"<a><b xmlns:p='x'/><p:c/></a>", kPrefix},
    {"<xmlns:a/>", kPrefix},
    {"<a xmlns:p=''/>", kSyntax},
    {"<a xmlns:xml='x'/>", kSyntax},
    {"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", kSyntax},
    {"<a xmlns='http://www.w3.org/XML/1998/namespace'/>", kSyntax},
    {"<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", kSyntax},
    {"<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", kSyntax},
    {"<a xmlns='http://www.w3.org/2000/xmlns/'/>", kSyntax},
    {"<a xmlns='x' xmlns='y'/>", kSyntax},
    {"<a xmlns:p='x' xmlns:p='y'/>", kSyntax},
    {"<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>", kSyntax},
    {"<a xml:lang='' xml:lang=''/>", kSyntax},
};

TEST(Parser, RefusesBadXml) {
  for (const auto& [bytes, error] : kBadXml) {
    const auto element = parse_copy(bytes);
    ASSERT_FALSE(element) << bytes;
    EXPECT_EQ(element.error().code, error) << bytes << ": " << element.error().to_string();
  }
}

TEST(Parser, SameLocalNameInOtherNamespacesIsNoDuplicate) {
  EXPECT_TRUE(parse_copy("<a xmlns:p='x' xmlns:q='y' p:b='' q:b='' b=''/>"));
  EXPECT_TRUE(parse_copy("<a xmlns='x' xmlns:p='x' p:b='' b=''/>"));
}

TEST(Parser, Limits) {
  const auto code = [](std::string_view bytes, const Limits& limits) {
    const auto element = parse_copy(bytes, {}, limits);
    return element ? std::optional<Errc>() : element.error().code;
  };
  EXPECT_EQ(code("<a>b</a>", {.stanza_bytes_max = 8}), std::nullopt);
  EXPECT_EQ(code("<a>b</a>", {.stanza_bytes_max = 7}), Errc::kXmlTooBig);
  EXPECT_EQ(code("<a><b/></a>", {.depth_max = 2}), std::nullopt);
  EXPECT_EQ(code("<a><b/></a>", {.depth_max = 1}), Errc::kXmlTooDeep);
  EXPECT_EQ(code("<a b='' xmlns=''/>", {.attributes_max = 2}), std::nullopt);
  EXPECT_EQ(code("<a b='' xmlns=''/>", {.attributes_max = 1}), Errc::kXmlTooBig);
  EXPECT_EQ(code("<a>t<b/></a>", {.nodes_max = 3}), std::nullopt);
  EXPECT_EQ(code("<a>t<b/></a>", {.nodes_max = 2}), Errc::kXmlTooBig);
  EXPECT_EQ(code("<abc/>", {.name_bytes_max = 3}), std::nullopt);
  EXPECT_EQ(code("<abcd/>", {.name_bytes_max = 3}), Errc::kXmlTooBig);
}

TEST(Parser, BoundsWhatPrefixesHide) {
  // Each <p:b/> would be written with 400 bytes of namespace.
  std::string bytes = "<a xmlns:p='" + std::string(400, 'x') + "'>";
  for (int i = 0; i < 40; ++i) bytes += "<p:b/>";
  EXPECT_TRUE(parse_copy(bytes + "</a>"));
  for (int i = 0; i < 40; ++i) bytes += "<p:b/>";
  EXPECT_EQ(parse_copy(bytes + "</a>").error().code, Errc::kXmlTooBig);

  std::string many = "<a><b>";
  for (int level = 0; level < 3; ++level) {
    many += "<c";
    for (int i = 0; i < 60; ++i) {
      many += " xmlns:p" + std::to_string(level * 60 + i) + "='x'";
    }
    many += ">";
  }
  EXPECT_EQ(parse_copy(many).error().code, Errc::kXmlTooBig);
}

}  // namespace
}  // namespace balcony::xml
