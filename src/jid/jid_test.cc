#include <balcony/jid.h>

#include "precis/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <unordered_set>

namespace balcony {
namespace {

struct Good {
  std::string_view text, local, domain, resource;
};

// RFC 7622 §3.5, table 1, in its order.
TEST(Jid, ExamplesOfRfc7622Table1) {
  constexpr Good kGood[] = {
      {"juliet@example.com", "juliet", "example.com", ""},
      {"juliet@example.com/foo", "juliet", "example.com", "foo"},
      {"juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
      {"juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
      {"foo\\20bar@example.com", "foo\\20bar", "example.com", ""},
      {"fussball@example.com", "fussball", "example.com", ""},
      {"fu\u00DFball@example.com", "fu\u00DFball", "example.com", ""},
      {"\u03C0@example.com", "\u03C0", "example.com", ""},
      {"\u03A3@example.com/foo", "\u03C3", "example.com", "foo"},
      {"\u03C3@example.com/foo", "\u03C3", "example.com", "foo"},
      {"\u03C2@example.com/foo", "\u03C2", "example.com", "foo"},
      {"king@example.com/\u265A", "king", "example.com", "\u265A"},
      {"example.com", "", "example.com", ""},
      {"example.com/foobar", "", "example.com", "foobar"},
      {"a.example.com/b@example.net", "", "a.example.com", "b@example.net"},
  };
  for (const Good& good : kGood) {
    const auto jid = Jid::parse(good.text);
    ASSERT_TRUE(jid) << good.text << ": " << jid.error().to_string();
    EXPECT_EQ(jid->local(), good.local);
    EXPECT_EQ(jid->domain(), good.domain);
    EXPECT_EQ(jid->resource(), good.resource);
    EXPECT_EQ(jid->has_local(), !good.local.empty());
    EXPECT_EQ(jid->is_full(), !good.resource.empty());
  }
}

struct Bad {
  std::string_view text;
  Errc code;
};

// RFC 7622 §3.5, table 2. Its number 18, "juliet@example.com/ foo", stands in the next test.
TEST(Jid, ExamplesOfRfc7622Table2) {
  constexpr Bad kBad[] = {
      {"\"juliet\"@example.com", Errc::kJidLocalForbidden},
      {"foo bar@example.com", Errc::kJidLocalForbidden},
      {"@example.com/", Errc::kJidLocalEmpty},
      {"henry\u2163@example.com", Errc::kJidLocalForbidden},
      {"\u265A@example.com", Errc::kJidLocalForbidden},
      {"juliet@", Errc::kJidDomainEmpty},
      {"/foobar", Errc::kJidDomainEmpty},
  };
  for (const Bad& bad : kBad) {
    const auto jid = Jid::parse(bad.text);
    ASSERT_FALSE(jid) << bad.text;
    EXPECT_EQ(jid.error().code, bad.code) << bad.text;
    EXPECT_FALSE(jid.error().detail.empty());
  }
}

// The table calls it invalid, but the profile that §3.4 demands, OpaqueString, allows spaces
// wherever they stand, and other servers route such room nicknames. The rule goes before the
// example.
TEST(Jid, LeadingSpaceInResourcepartIsWhatOpaqueStringAllows) {
  EXPECT_EQ(Jid::parse("juliet@example.com/ foo").value().resource(), " foo");
}

TEST(Jid, EachWayToFail) {
  constexpr Bad kBad[] = {
      {"", Errc::kJidEmpty},
      {"@", Errc::kJidLocalEmpty},
      {"/", Errc::kJidResourceEmpty},
      {"@example.com", Errc::kJidLocalEmpty},
      {"juliet@example.com/", Errc::kJidResourceEmpty},
      {"example.com/", Errc::kJidResourceEmpty},
      {"juliet@/r", Errc::kJidDomainEmpty},
      {"a@b@c", Errc::kJidDomainForbidden},
      {"juliet@exa mple.com", Errc::kJidDomainForbidden},
      {"juliet@example.com/a\x7F", Errc::kJidResourceForbidden},
      {"juliet@example.com/a\u200B", Errc::kJidResourceForbidden},
      {"juliet@example.com/a\n", Errc::kJidResourceForbidden},
      {"\xff@example.com", Errc::kJidNotUtf8},
      {"juliet@\xff", Errc::kJidNotUtf8},
      {"juliet@example.com/\xff", Errc::kJidNotUtf8},
      {"ju\tliet@example.com", Errc::kJidLocalForbidden},
      {std::string_view("ju\0liet@example.com", 18), Errc::kJidLocalForbidden},
      {std::string_view("juliet@example.com/a\0", 21), Errc::kJidResourceForbidden},
      {"\uFF20@example.com", Errc::kJidLocalForbidden},  // width mapping makes it an '@'
      {"a\uFF0Fb@example.com", Errc::kJidLocalForbidden},
      {"a\uFF02@example.com", Errc::kJidLocalForbidden},
  };
  for (const Bad& bad : kBad) {
    const auto jid = Jid::parse(bad.text);
    ASSERT_FALSE(jid) << bad.text;
    EXPECT_EQ(jid.error().code, bad.code) << bad.text << ": " << jid.error().to_string();
    EXPECT_FALSE(jid.error().detail.empty());
  }
}

TEST(Jid, ExcludedCharactersOfRfc7622Section331) {
  for (const char c : std::string_view("\"&':<> ")) {
    const std::string text = std::string("a") + c + "b@example.com";
    EXPECT_EQ(Jid::parse(text).error().code, Errc::kJidLocalForbidden) << text;
  }
  for (const std::string_view local : {"a/b", "a@b"}) {
    EXPECT_EQ(Jid::make(local, "example.com").error().code, Errc::kJidLocalForbidden);
  }
  EXPECT_TRUE(Jid::parse("!#$%()*+,-.;=?[\\]^_`{|}~@example.com"));
}

TEST(Jid, Lengths) {
  const std::string longest(Jid::kPartBytesMax, 'a');
  const std::string domain = [] {
    std::string name;
    for (int i = 0; i < 15; ++i) name += std::string(63, 'd') + ".";
    return name + std::string(63, 'd');
  }();
  const auto jid = Jid::parse(longest + "@" + domain + "/" + longest);
  ASSERT_TRUE(jid);
  EXPECT_EQ(jid->local().size(), 1023U);
  EXPECT_EQ(jid->domain().size(), 1023U);
  EXPECT_EQ(jid->resource().size(), 1023U);
  EXPECT_EQ(Jid::parse(jid->str()).value(), *jid);
  EXPECT_EQ(Jid::parse(longest + "a@b").error().code, Errc::kJidLocalTooLong);
  EXPECT_EQ(Jid::parse("a@b/" + longest + "a").error().code, Errc::kJidResourceTooLong);
  EXPECT_EQ(Jid::parse("a@d." + domain).error().code, Errc::kJidDomainTooLong);
  EXPECT_EQ(Jid::parse("a@b/" + std::string(5000, 'a')).error().code, Errc::kJidResourceTooLong);
  // Counted after preparation (RFC 7622 §3.3): three bytes of input are one of output.
  std::string wide;
  for (int i = 0; i < 1023; ++i) wide += "\uFF41";
  EXPECT_EQ(Jid::parse(wide + "@b").value().local(), longest);
  EXPECT_EQ(Jid::parse(wide + "\uFF41@b").error().code, Errc::kJidLocalTooLong);
}

TEST(Jid, PreparesAsciiAndTheRestAlike) {
  const Jid jid = Jid::parse("JULIET@Example.COM./Balcony").value();
  EXPECT_EQ(jid.str(), "juliet@example.com/Balcony");
  EXPECT_EQ(Jid::parse("\uFF2AuLiet@EXAMPLE.com/Balcony").value(), jid);
  EXPECT_EQ(Jid::make("Juliet", "example.com", "Balcony").value(), jid);
  EXPECT_EQ(Jid::parse("a@XN--BCHER-KVA.example").value().str(), "a@b\u00FCcher.example");
  EXPECT_EQ(Jid::parse("a@[::1]/r").value().domain(), "[::1]");
}

TEST(Jid, Parts) {
  const Jid full = Jid::parse("juliet@example.com/balcony").value();
  EXPECT_EQ(full.bare().str(), "juliet@example.com");
  EXPECT_TRUE(full.bare().is_bare());
  EXPECT_EQ(full.bare_str(), "juliet@example.com");
  EXPECT_EQ(full.domain_jid().str(), "example.com");
  EXPECT_FALSE(full.domain_jid().has_local());
  EXPECT_EQ(full.domain_jid().domain(), "example.com");
  EXPECT_EQ(full.with_resource("garden").value().str(), "juliet@example.com/garden");
  EXPECT_EQ(full.with_resource("garden").value().resource(), "garden");
  EXPECT_EQ(full.with_resource("").value(), full.bare());
  EXPECT_EQ(full.with_resource("\u0007").error().code, Errc::kJidResourceForbidden);
  EXPECT_TRUE(full.same_bare(full.bare()));
  EXPECT_FALSE(full.same_bare(full.domain_jid()));
  EXPECT_EQ(Jid::make("", "example.com").value().str(), "example.com");
  EXPECT_LT(Jid::parse("a@b").value(), Jid::parse("b@a").value());
  EXPECT_EQ((std::unordered_set<Jid>{full, full, full.bare()}.size()), 2U);
}

// Addresses of which most are valid, from letters of several scripts, mapped ones among them.
rc::Gen<std::string> some_jid() {
  const auto letter =
      rc::gen::weightedOneOf<char32_t>({{12, rc::gen::inRange<char32_t>('a', 'z' + 1)},
                                        {4, rc::gen::inRange<char32_t>('A', 'Z' + 1)},
                                        {2, rc::gen::inRange<char32_t>('0', '9' + 1)},
                                        {1, rc::gen::inRange<char32_t>(0xC0, 0x180)},
                                        {1, rc::gen::inRange<char32_t>(0x391, 0x3CA)},
                                        {1, rc::gen::inRange<char32_t>(0x4E00, 0x4F00)},
                                        {1, rc::gen::inRange<char32_t>(0xFF21, 0xFF3B)}});
  const auto any = rc::gen::weightedOneOf<char32_t>(
      {{8, letter},
       {2, rc::gen::element<char32_t>(' ', '@', '/', '\\', 0x265A, 0xA0, 0x301, 0xFF20)}});
  const auto word = [](const auto& gen) {
    return rc::gen::nonEmpty(rc::gen::container<std::u32string>(gen));
  };
  return rc::gen::map(rc::gen::tuple(word(letter), word(letter), word(any)), [](const auto& parts) {
    const auto& [local, domain, resource] = parts;
    return encode_utf8(local + U"@" + domain + U".Example.com/" + resource);
  });
}

RC_GTEST_PROP(Jid, ParsingWhatWasWrittenGivesTheSame, ()) {
  const auto once = Jid::parse(*some_jid());
  RC_PRE(once.has_value());
  RC_ASSERT(Jid::parse(once->str()).value().str() == once->str());
  RC_ASSERT(Jid::make(once->local(), once->domain(), once->resource()).value().str() ==
            once->str());
  RC_ASSERT(once->bare().with_resource(once->resource()).value().str() == once->str());
  RC_ASSERT(Jid::parse(once->bare_str()).value().str() == once->bare().str());
}

RC_GTEST_PROP(Jid, PreparationNeverGivesWhatParseRefuses, (const std::string& bytes)) {
  const auto jid = Jid::make(bytes, "example.com", bytes);
  if (jid) RC_ASSERT(Jid::parse(jid->str()).value().str() == jid->str());
}

TEST(Jid, PreparationNeverGivesWhatParseRefusesForEveryCodePoint) {
  int valid = 0;
  for (char32_t c = 0x80; c <= 0x2FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = encode_utf8(std::u32string{c, U'\x301'});
    for (const auto& jid : {Jid::make(text, "a"), Jid::make("a", text), Jid::make("", "a", text)}) {
      if (!jid) continue;
      ++valid;
      ASSERT_EQ(Jid::parse(jid->str()).value(), *jid) << std::hex << static_cast<unsigned>(c);
    }
  }
  EXPECT_GT(valid, 200000);
}

}  // namespace
}  // namespace balcony
