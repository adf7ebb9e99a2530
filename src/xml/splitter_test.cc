#include "xml/splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace balcony::xml {
namespace {

constexpr std::string_view kHeader =
    "<stream:stream to='example.com' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

// What came of some bytes: events as text, and the error with the offset of its byte.
struct Outcome {
  std::vector<std::string> events;
  std::optional<Errc> error;
  std::size_t error_at = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  for (const std::string& event : outcome.events) out << '[' << event << "] ";
  if (outcome.error) out << to_string(*outcome.error) << " at " << outcome.error_at;
  return out;
}

std::string name_of(const SplitEvent& event) {
  switch (event.kind) {
    case SplitKind::kNeedMore: return "more";
    case SplitKind::kStreamHeader: return "header " + std::string(event.bytes);
    case SplitKind::kStanza: return std::string(event.bytes);
    case SplitKind::kStreamEnd: return "end";
    case SplitKind::kWhitespace: return "space";
  }
  return {};
}

// Feeds one read; `fed` bytes came before it. False after an error.
bool feed(Splitter& splitter, std::string_view read, std::size_t fed, Outcome& outcome) {
  // A copy of its own size, gone afterwards: what reads too far or too late is found by ASan.
  const std::vector<char> copy(read.begin(), read.end());
  splitter.feed({copy.data(), copy.size()});
  while (true) {
    const Result<SplitEvent> event = splitter.next();
    if (!event) {
      outcome.error = event.error().code;
      outcome.error_at = fed + read.size() - splitter.rest().size();
      EXPECT_FALSE(splitter.next());
      return false;
    }
    if (event->kind == SplitKind::kNeedMore) return true;
    std::string name = name_of(*event);
    // A run of white space that reads cut is one event a read.
    if (name == "space" && !outcome.events.empty() && outcome.events.back() == name) continue;
    outcome.events.push_back(std::move(name));
  }
}

Outcome split(std::string_view bytes, const std::vector<std::size_t>& cuts,
              const Limits& limits = {}) {
  Splitter splitter(limits);
  Outcome outcome;
  std::size_t begin = 0;
  for (const std::size_t cut : cuts) {
    if (!feed(splitter, bytes.substr(begin, cut - begin), begin, outcome)) return outcome;
    begin = cut;
  }
  feed(splitter, bytes.substr(begin), begin, outcome);
  return outcome;
}

std::vector<std::size_t> every_byte(std::string_view bytes) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < bytes.size(); ++i) cuts.push_back(i);
  return cuts;
}

// The outcome, which is the same however the bytes are cut.
Outcome split_all_ways(std::string_view bytes, const Limits& limits = {}) {
  Outcome whole = split(bytes, {}, limits);
  EXPECT_EQ(split(bytes, every_byte(bytes), limits), whole) << bytes;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(split(bytes, {cut}, limits), whole) << bytes << " cut at " << cut;
  }
  return whole;
}

std::string in_stream(std::string_view bytes) {
  return std::string(kHeader) + std::string(bytes);
}

TEST(Splitter, FindsWhatAStreamHolds) {
  const std::string stream =
      "<?xml version='1.0' encoding='UTF-8'?>\n" + std::string(kHeader) +
      "\n <message id='1'><body>a</body></message><presence/> \r\n\t"
      "<iq type=\"get\" ><q xmlns='x' a='>' b=\"'\"/>t&amp;&#x41;<![CDATA[<]]]]></iq >"
      "</stream:stream >junk<";
  const Outcome outcome = split_all_ways(stream);
  EXPECT_EQ(outcome.error, std::nullopt);
  const std::vector<std::string> expected = {
      "header " + std::string(kHeader),
      "space",
      "<message id='1'><body>a</body></message>",
      "<presence/>",
      "space",
      "<iq type=\"get\" ><q xmlns='x' a='>' b=\"'\"/>t&amp;&#x41;<![CDATA[<]]]]></iq >",
      "end"};
  EXPECT_EQ(outcome.events, expected);
}

TEST(Splitter, PointsIntoWhatWasFed) {
  Splitter splitter{Limits{}};
  const std::string bytes = in_stream("<a/><b>1</b>");
  splitter.feed(bytes);
  ASSERT_EQ(splitter.next()->bytes.data(), bytes.data());
  EXPECT_EQ(splitter.next()->bytes.data(), bytes.data() + kHeader.size());
  EXPECT_EQ(splitter.rest(), "<b>1</b>");
  EXPECT_EQ(splitter.next()->bytes.data(), bytes.data() + kHeader.size() + 4);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  EXPECT_EQ(splitter.carried_bytes(), 0U);
}

TEST(Splitter, CarriesOnlyWhatIsIncomplete) {
  Splitter splitter{Limits{}};
  const std::string bytes = in_stream("<a/><b>1");
  splitter.feed(bytes);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kStreamHeader);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kStanza);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  EXPECT_EQ(splitter.carried_bytes(), 4U);
  splitter.feed("</b>");
  EXPECT_EQ(splitter.next()->bytes, "<b>1</b>");
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  EXPECT_EQ(splitter.carried_bytes(), 0U);
}

TEST(Splitter, EmptyStreamIsHeaderAndEnd) {
  const Outcome outcome = split_all_ways("<stream:stream xmlns:stream='s'/>x");
  EXPECT_EQ(outcome.error, std::nullopt);
  EXPECT_EQ(outcome.events,
            (std::vector<std::string>{"header <stream:stream xmlns:stream='s'/>", "end"}));
}

TEST(Splitter, ResetBeginsANewStream) {
  Splitter splitter{Limits{}};
  const std::string bytes = in_stream("<starttls/><x");
  splitter.feed(bytes);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kStreamHeader);
  EXPECT_EQ(splitter.next()->bytes, "<starttls/>");
  EXPECT_EQ(splitter.rest(), "<x");
  splitter.reset();
  EXPECT_EQ(splitter.rest(), "");
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  splitter.feed("<?xml version='1.0'?><s>");
  EXPECT_EQ(splitter.next()->bytes, "<s>");
  splitter.feed("<!");
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  splitter.reset();
  splitter.feed("<s>");
  EXPECT_EQ(splitter.next()->bytes, "<s>");
}

TEST(Splitter, MovesWithWhatItCarries) {
  Splitter first{Limits{}};
  const std::string bytes = in_stream("<a><b");
  first.feed(bytes);
  EXPECT_EQ(first.next()->kind, SplitKind::kStreamHeader);
  EXPECT_EQ(first.next()->kind, SplitKind::kNeedMore);
  Splitter second = std::move(first);
  second.feed("/></a></stream:stream>");
  EXPECT_EQ(second.next()->bytes, "<a><b/></a>");
  EXPECT_EQ(second.next()->kind, SplitKind::kStreamEnd);
}

// `good` is taken, then the first byte of `bad` is refused.
struct Bad {
  std::string_view good;
  std::string_view bad;
  Errc error;
};

void expect_refused(const Bad& row, std::string_view before) {
  const std::string bytes =
      std::string(before) + std::string(row.good) + std::string(row.bad) + "<after/>";
  const Outcome outcome = split_all_ways(bytes);
  EXPECT_EQ(outcome.error, row.error) << bytes;
  EXPECT_EQ(outcome.error_at, before.size() + row.good.size()) << bytes << ": " << outcome;
}

using namespace std::string_view_literals;
constexpr Errc kSyntax = Errc::kXmlNotWellFormed;
constexpr Errc kRestricted = Errc::kXmlRestricted;
constexpr Errc kEncoding = Errc::kXmlBadEncoding;

const Bad kBadInStanza[] = {
    // RFC 6120 §11.1.
    {"<a><!", "-- c -->", kRestricted},
    {"<!", "-- c -->", kRestricted},
    {"<a><", "?pi?>", kRestricted},
    {"<", "?xml version='1.0'?>", kRestricted},
    {"<!", "DOCTYPE x>", kRestricted},
    {"<a>&", "evil;", kRestricted},
    {"<a b='&l", ";'/>", kRestricted},
    {"<a>&amp", "s;", kRestricted},
    {"<a>&quot", "e;", kRestricted},
    {"<a>&", "é;", kRestricted},
    // XML 1.0: markup.
    {"<", " a/>", kSyntax},
    {"<", "1/>", kSyntax},
    {"<", ">", kSyntax},
    {"<", "<a/>", kSyntax},
    {"<a><!", "ELEMENT>", kSyntax},
    {"<a><![", "cdata[", kSyntax},
    {"<a><![CDATA", ">", kSyntax},
    {"<!", "[CDATA[x]]>", kSyntax},
    {"<a", "&", kSyntax},
    {"<a b", "/>", kSyntax},
    {"<a b=", "c>", kSyntax},
    {"<a b='c'", "d='e'/>", kSyntax},
    {"<a b='", "<'/>", kSyntax},
    {"<a b='1' b", "='2'/>", kSyntax},
    {"<a b:c='1' d='' b:c", " ='2'/>", kSyntax},
    {"<a /", " >", kSyntax},
    {"<a></", "b>", kSyntax},
    {"<aa></a", ">", kSyntax},
    {"<a></a", "a>", kSyntax},
    {"<a></a ", "x>", kSyntax},
    {"<a><b></", "a>", kSyntax},
    {"<p:a></", "a>", kSyntax},
    {"<a>]]", ">", kSyntax},
    {"<a>x]]]", ">", kSyntax},
    {"<a>&", ";", kSyntax},
    {"<a>&", " ", kSyntax},
    {"<a>&amp", " ", kSyntax},
    {"<a>&#", ";", kSyntax},
    {"<a>&#x", ";", kSyntax},
    {"<a>&#", "X41;", kSyntax},
    {"<a>&#0", ";", kSyntax},
    {"<a>&#x8", ";", kSyntax},
    {"<a>&#xFFFE", ";", kSyntax},
    {"<a>&#xD800", ";", kSyntax},
    {"<a>&#xDFFF", ";", kSyntax},
    {"<a b='&#x11000", "0;'/>", kSyntax},
    {"<a>&#111411", "2;", kSyntax},
    {"</stream", ">", kSyntax},
    {"</stream:stream", "s>", kSyntax},
    // Namespaces in XML §4.
    {"<", ":a/>", kSyntax},
    {"<a:", "/>", kSyntax},
    {"<a:b", ":c/>", kSyntax},
    {"<a:", "1/>", kSyntax},
    {"<a b:", "='c'/>", kSyntax},
    // Characters.
    {"<a>", "\0"sv, kSyntax},
    {"<a>", "\x01", kSyntax},
    {"<a b='", "\x1f", kSyntax},
    {"<a><![CDATA[", "\x0b", kSyntax},
    {"<a>\xEF\xBF", "\xBE", kSyntax},
    {"<a b='\xEF\xBF", "\xBF", kSyntax},
    {"<a><![CDATA[\xEF\xBF", "\xBF", kSyntax},
    {"<\xC3", "\x97/>", kSyntax},       // U+00D7, no NameStartChar
    {"<\xC2", "\xB7/>", kSyntax},       // U+00B7, a NameChar only
    {"<a\xE2\x80", "\xBE/>", kSyntax},  // U+203E
    // UTF-8.
    {"<a>", "\x80", kEncoding},
    {"<a>", "\xC0\x80", kEncoding},
    {"<a>", "\xC1\xBF", kEncoding},
    {"<a>\xE0", "\x9F\xBF", kEncoding},
    {"<a>\xED", "\xA0\x80", kEncoding},
    {"<a>\xF0", "\x8F\xBF\xBF", kEncoding},
    {"<a>\xF4", "\x90\x80\x80", kEncoding},
    {"<a>", "\xF5\x80\x80\x80", kEncoding},
    {"<a>", "\xFF", kEncoding},
    {"<a>\xC3", "a", kEncoding},
    {"<a>\xE2\x82", "<", kEncoding},
    {"<a b='\xF0\x9F\x98", "'", kEncoding},
    {"<\xE2\x82", " ", kEncoding},
    {"<a ", "\xFE", kEncoding},
    {"<a><![CDATA[\xE2", "]", kEncoding},
};

TEST(Splitter, RefusesInAStanzaAtTheByte) {
  for (const Bad& row : kBadInStanza) expect_refused(row, kHeader);
}

TEST(Splitter, RefusesAroundStanzasAtTheByte) {
  const Bad rows[] = {
      {"<a/>", "text", kSyntax}, {" \n", "&amp;", kSyntax},
      {"", "\xC3\xA9", kSyntax}, {"", "\xEF\xBB\xBF", kSyntax},
      {"", "\xFF", kEncoding},   {"<a/>", "\0"sv, kSyntax},
      {"", ">", kSyntax},        {"", "]", kSyntax},
  };
  for (const Bad& row : rows) expect_refused(row, kHeader);
}

TEST(Splitter, RefusesBeforeTheHeaderAtTheByte) {
  const Bad rows[] = {
      {"", "x", kSyntax},
      {"<", "/a>", kSyntax},
      {"<!", "DOCTYPE a>", kRestricted},
      {"<!", "-- -->", kRestricted},
      {"<!", "[CDATA[", kSyntax},
      {" <", "?xml version='1.0'?>", kRestricted},
      {"<?xml version='1.0'?><", "?xml version='1.0'?>", kRestricted},
      {"<?", "pi?>", kRestricted},
      {"<?xml", "-stylesheet?>", kRestricted},
      {"<?", "XML version='1.0'?>", kRestricted},
      {"<?xml", "?>", kSyntax},
      {"<?xml ", "?>", kSyntax},
      {"<?xml ", "encoding='UTF-8'?>", kSyntax},
      {"<?xml version='", "2.0'?>", kSyntax},
      {"<?xml version='1.", "'?>", kSyntax},
      {"<?xml version='1.0", "\"?>", kSyntax},
      {"<?xml version='1.0'", "encoding='UTF-8'?>", kSyntax},
      {"<?xml version='1.0' standalone='yes' ", "encoding='UTF-8'?>", kSyntax},
      {"<?xml version='1.0' standalone='", "maybe'?>", kSyntax},
      {"<?xml version='1.0' ?", " >", kSyntax},
      {"<?xml version='1.0' encoding='", "ISO-8859-1'?>", kEncoding},
      {"<?xml version='1.0' encoding='UTF-", "16'?>", kEncoding},
      {"<?xml version='1.0' encoding='utf-8", "x'?>", kEncoding},
      {"<?xml version='1.0' encoding='UTF", "8'?>", kEncoding},
      {"<?xml version='1.0' encoding='", "'?>", kEncoding},
      {"", "\xFE\xFF\0<"sv, kEncoding},
      {"", "\xFF\xFE<\0"sv, kEncoding},
      {"", "\0<\0?"sv, kEncoding},
      {"<", "\0?\0"sv, kEncoding},
      {"\xEF", "<a>", kEncoding},
      {"\xEF\xBB", "\xBE<a>", kSyntax},
      {"\xEF\xBB\xBF", "\xEF\xBB\xBF<a>", kSyntax},
  };
  for (const Bad& row : rows) expect_refused(row, "");
}

TEST(Splitter, TakesWhatIsGood) {
  const std::string_view starts[] = {
      "",
      " \r\n",
      "\xEF\xBB\xBF",
      "\xEF\xBB\xBF<?xml version='1.0'?>",
      "<?xml version='1.0'?>",
      "<?xml version = \"1.0\" encoding='utf-8' ?>\n",
      "<?xml\tversion='1.10' encoding='UTF-8' standalone='no'?>",
      "<?xml version='1.0' standalone='yes'?>",
  };
  for (const std::string_view start : starts) {
    const Outcome outcome = split_all_ways(std::string(start) + std::string(kHeader));
    EXPECT_EQ(outcome.events, std::vector{"header " + std::string(kHeader)}) << start << outcome;
  }
  const std::string_view stanzas[] = {
      "<a.b-c_1/>",
      "<p:a p:b='1' b='2'></p:a\n>",
      "<a b = '1'\tc\n=\r\"2\" />",
      "<a>]] ]&gt; ]]&gt; > ' \"</a>",
      "<a>]]<b/>></a>",
      "<a><![CDATA[]]]]><![CDATA[>]]></a>",
      "<a><![CDATA[<&> \xF0\x9F\x98\x80]]>&lt;&gt;&amp;&apos;&quot;</a>",
      "<a b='&lt;&#x10FFFF;&#0009;&#x1F600;'>&#xFFFD;</a>",
      "<\xC3\xA9\xC2\xB7 \xF0\x90\x80\x80='\xEF\xBF\xBD'>\x7F\xC2\x80</\xC3\xA9\xC2\xB7>",
      "<a>\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\xF0\x9F\xBF\xBE\xEF\xBB\xBF</a>",
  };
  for (const std::string_view stanza : stanzas) {
    const Outcome outcome = split_all_ways(in_stream(stanza));
    ASSERT_EQ(outcome.events.size(), 2U) << stanza << outcome;
    EXPECT_EQ(outcome.events[1], stanza) << outcome;
  }
}

struct LimitRow {
  Limits limits;
  std::string_view good;
  std::string_view bad;
  Errc error;
};

TEST(Splitter, TellsLimitsAtTheByte) {
  const Limits roomy{.stanza_bytes_max = 1000};
  const auto with = [&](auto Limits::* member, std::size_t value) {
    Limits limits = roomy;
    limits.*member = value;
    return limits;
  };
  const LimitRow rows[] = {
      {with(&Limits::stanza_bytes_max, 5), "<h>", "", kSyntax},
      {with(&Limits::stanza_bytes_max, 5), "<h> <ab/>", "", kSyntax},
      {with(&Limits::stanza_bytes_max, 5), "<h><a>12", "3</a>", Errc::kXmlTooBig},
      {with(&Limits::stanza_bytes_max, 5), "<hhhh", ">", Errc::kXmlTooBig},
      {with(&Limits::depth_max, 2), "<h><a><b/><", "c><d/>", Errc::kXmlTooDeep},
      {with(&Limits::attributes_max, 2), "<h><a b='' c='' ", "d=''/>", Errc::kXmlTooBig},
      {with(&Limits::nodes_max, 3), "<h><a>t<b/>", "x", Errc::kXmlTooBig},
      {with(&Limits::nodes_max, 3), "<h><a>t<![CDATA[u]]>&amp;<b/><", "x", Errc::kXmlTooBig},
      {with(&Limits::name_bytes_max, 3), "<h><abc/><abc", "d/>", Errc::kXmlTooBig},
      {with(&Limits::name_bytes_max, 3), "<h><abc", ":d/>", Errc::kXmlTooBig},
      {with(&Limits::name_bytes_max, 3), "<h><ab\xC3", "\xA9/>", Errc::kXmlTooBig},
      {with(&Limits::name_bytes_max, 3), "<h><a abc", "d='1'/>", Errc::kXmlTooBig},
  };
  for (LimitRow row : rows) {
    if (row.limits.depth_max == 2) row.good = "<h><a><b/><b><", row.bad = "c/>";
    const std::string bytes = std::string(row.good) + std::string(row.bad);
    const Outcome outcome = split_all_ways(bytes, row.limits);
    if (row.bad.empty()) {
      EXPECT_EQ(outcome.error, std::nullopt) << bytes;
    } else {
      EXPECT_EQ(outcome.error, row.error) << bytes;
      EXPECT_EQ(outcome.error_at, row.good.size()) << bytes << outcome;
    }
  }
}

TEST(Splitter, LargerLimitsAfterAuthentication) {
  Splitter splitter{Limits{.stanza_bytes_max = 5}};
  splitter.feed("<h><a>");
  EXPECT_EQ(splitter.next()->kind, SplitKind::kStreamHeader);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  splitter.set_limits({});
  splitter.feed("123</a>");
  EXPECT_EQ(splitter.next()->bytes, "<a>123</a>");
}

TEST(Splitter, DocumentsOfOneElement) {
  Splitter splitter(Limits{}, Framing::kElement);
  EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  for (int i = 0; i < 2; ++i) {
    splitter.feed("<?xml version='1.0'?> <message><body/></message>\n");
    EXPECT_EQ(splitter.next()->bytes, "<message><body/></message>");
    EXPECT_EQ(splitter.next()->kind, SplitKind::kNeedMore);
  }
  for (const std::string_view bad :
       {"<a>", "", " ", "<a/>x", "<a/><b/>", "</a>", "<?xml version='1.0'?>"}) {
    Splitter fresh(Limits{}, Framing::kElement);
    fresh.feed(bad);
    const auto event = fresh.next();
    ASSERT_FALSE(event) << bad;
    EXPECT_EQ(event.error().code, kSyntax);
  }
}

TEST(Splitter, IsSmall) {
  EXPECT_LT(sizeof(Splitter), 96U);
}

}  // namespace
}  // namespace balcony::xml
