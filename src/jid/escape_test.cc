#include <balcony/jid.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace balcony {
namespace {

struct Pair {
  std::string_view plain, escaped;
};

// XEP-0106 §5.1, the table, and the addresses of §3.2, §4.2, §4.3 and §5.2 to §5.7.
constexpr Pair kPairs[] = {
    {"space cadet", R"(space\20cadet)"},
    {R"(call me "ishmael")", R"(call\20me\20\22ishmael\22)"},
    {"at&t guy", R"(at\26t\20guy)"},
    {"d'artagnan", R"(d\27artagnan)"},
    {"/.fanboy", R"(\2f.fanboy)"},
    {"::foo::", R"(\3a\3afoo\3a\3a)"},
    {"<foo>", R"(\3cfoo\3e)"},
    {"user@host", R"(user\40host)"},
    {R"(c:\net)", R"(c\3a\net)"},
    {R"(c:\\net)", R"(c\3a\\net)"},
    {R"(c:\cool stuff)", R"(c\3a\cool\20stuff)"},
    {R"(c:\5commas)", R"(c\3a\5c5commas)"},
    {R"(\3and\2is\5cool)", R"(\5c3and\2is\5c5cool)"},
    {R"(\2plus\2is\4)", R"(\2plus\2is\4)"},
    {R"(foo\bar)", R"(foo\bar)"},
    {R"(foob\41r)", R"(foob\41r)"},
    {"here's_a_wild_&_/cr%zy/_address", R"(here\27s_a_wild_\26_\2fcr%zy\2f_address)"},
    {R"(here's_a_wild_&_/cr%zy/_address_for:<wv>("IMPS"))",
     R"(here\27s_a_wild_\26_\2fcr%zy\2f_address_for\3a\3cwv\3e(\22IMPS\22))"},
    {R"(CN=D'Artagnan Saint-Andr\E9,O=Example & Company, Inc.,DC=example,DC=com)",
     R"(CN=D\27Artagnan\20Saint-Andr\E9,O=Example\20\26\20Company,\20Inc.,DC=example,DC=com)"},
    {R"(somenick!user"&'/:<>\3address)", R"(somenick!user\22\26\27\2f\3a\3c\3e\5c3address)"},
    {"treville@musketeers.lit", R"(treville\40musketeers.lit)"},
};

TEST(Escape, ExamplesOfXep0106) {
  for (const auto& [plain, escaped] : kPairs) {
    EXPECT_EQ(escape_localpart(plain).value(), escaped);
    EXPECT_EQ(unescape_localpart(escaped), plain);
    EXPECT_TRUE(Jid::make(escaped, "example.com")) << escaped;
  }
}

TEST(Escape, SpaceMayNotStandAtEitherEnd) {
  for (const std::string_view bad : {" a", "a ", " ", "  "}) {
    EXPECT_EQ(escape_localpart(bad).error().code, Errc::kJidLocalForbidden) << bad;
  }
  EXPECT_EQ(unescape_localpart(R"(\20a)"), R"(\20a)");
  EXPECT_EQ(unescape_localpart(R"(a\20)"), R"(a\20)");
  EXPECT_EQ(unescape_localpart(R"(a\20b)"), "a b");
}

TEST(Escape, CaseIsSignificantAndPartialSequencesStay) {
  for (const std::string_view same :
       {R"(\2F)", R"(\3A)", R"(\5C)", R"(\)", R"(\2)", R"(a\)", R"(\00)", R"(\\)"}) {
    EXPECT_EQ(unescape_localpart(same), same);
  }
  EXPECT_EQ(unescape_localpart(R"(\5c5c)"), R"(\5c)");
}

TEST(Escape, EmptyStaysEmpty) {
  EXPECT_EQ(escape_localpart("").value(), "");
  EXPECT_EQ(unescape_localpart(""), "");
}

RC_GTEST_PROP(Escape, UnescapingGivesBackWhatWasEscaped, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element(' ', '"', '\\', '2', '0', '5', 'c', '@', 'a', '7', '3'));
  const auto escaped = escape_localpart(text);
  RC_PRE(escaped.has_value());
  RC_ASSERT(unescape_localpart(*escaped) == text);
  RC_ASSERT(escaped->find_first_of(" \"@") == std::string::npos);
}

}  // namespace
}  // namespace balcony
