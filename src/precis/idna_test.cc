#include "precis/idna.h"

#include "precis/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace balcony::precis {
namespace {

TEST(Domain, Prepares) {
  const std::pair<std::string_view, std::string_view> kPairs[] = {
      {"example.com", "example.com"},
      {"EXAMPLE.com", "example.com"},
      {"localhost", "localhost"},
      {"example.com.", "example.com"},  // RFC 7622 §3.2
      {"a-b.c--d.example", "a-b.c--d.example"},
      {"3com.example", "3com.example"},
      {"B\u00DCcher.example", "b\u00FCcher.example"},
      {"xn--bcher-kva.example", "b\u00FCcher.example"},
      {"XN--BCHER-KVA.example.", "b\u00FCcher.example"},
      {"bu\u0308cher.example", "b\u00FCcher.example"},
      {"fa\u00DF.example", "fa\u00DF.example"},  // nontransitional
      {"xn--fa-hia.example", "fa\u00DF.example"},
      {"\u03C3\u03C2.example", "\u03C3\u03C2.example"},
      {"\uFF45xample\u3002\uFF43om\uFF0E", "example.com"},
      {"\u05D0\u05D1.example", "\u05D0\u05D1.example"},
      {"\u4F8B\u3048.\u30C6\u30B9\u30C8", "\u4F8B\u3048.\u30C6\u30B9\u30C8"},
      {"127.0.0.1", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[2001:0DB8:0:0:0:0:0:1]", "[2001:db8::1]"},
      {"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"},
  };
  for (const auto& [input, output] : kPairs) {
    const auto prepared = prepare_domain(input);
    ASSERT_TRUE(prepared) << input << ": " << prepared.error().to_string();
    EXPECT_EQ(*prepared, output);
    EXPECT_EQ(prepare_domain(output).value(), output);
  }
}

TEST(Domain, Refuses) {
  const std::pair<std::string_view, Errc> kBad[] = {
      {"", Errc::kJidDomainEmpty},
      {".", Errc::kJidDomainEmpty},
      {"\u3002", Errc::kJidDomainEmpty},
      {"..", Errc::kJidDomainForbidden},
      {".example.com", Errc::kJidDomainForbidden},
      {"example..com", Errc::kJidDomainForbidden},
      {"example.com..", Errc::kJidDomainForbidden},
      {"example.com.\u3002", Errc::kJidDomainForbidden},
      {"exa mple.com", Errc::kJidDomainForbidden},
      {"exa_mple.com", Errc::kJidDomainForbidden},  // UseSTD3ASCIIRules
      {"example.com@", Errc::kJidDomainForbidden},
      {"example.com:5222", Errc::kJidDomainForbidden},
      {"-example.com", Errc::kJidDomainForbidden},
      {"example-.com", Errc::kJidDomainForbidden},
      {"ab--cd.example", Errc::kJidDomainForbidden},  // RFC 5890 §2.3.1: reserved
      {"xn--.example", Errc::kJidDomainForbidden},
      {"xn--abc-.example", Errc::kJidDomainForbidden},
      {"a\u3002xn--abc-", Errc::kJidDomainForbidden},
      {"\uFF58n--abc-.example", Errc::kJidDomainForbidden},
      {"xn--zzzzzzzzzz99999.example", Errc::kJidDomainForbidden},
      {"xn--FA-6ia.example\u0640", Errc::kJidDomainForbidden},
      {"\u2603.example", Errc::kJidDomainForbidden},  // a symbol: no IDNA2008 U-label
      {"xn--n3h.example", Errc::kJidDomainForbidden},
      {"\U0001F4A9.example", Errc::kJidDomainForbidden},
      {"a\u05D0.example", Errc::kJidDomainForbidden},   // CheckBidi
      {"a\u200Db.example", Errc::kJidDomainForbidden},  // CheckContextJ
      {"a\u00B7b.example", Errc::kJidDomainForbidden},  // CheckContextO
      {"\u0301a.example", Errc::kJidDomainForbidden},   // a mark at the start
      {"[::1", Errc::kJidDomainForbidden},
      {"[]", Errc::kJidDomainForbidden},
      {"[1.2.3.4]", Errc::kJidDomainForbidden},
      {"[fe80::1%25eth0]", Errc::kJidDomainForbidden},
      {"[v1.fe80]", Errc::kJidDomainForbidden},
      {"[:::1]", Errc::kJidDomainForbidden},
      {std::string_view("[::1\0]", 6), Errc::kJidDomainForbidden},
      {std::string_view("a\0b", 3), Errc::kJidDomainForbidden},
      {"\xff.example", Errc::kJidNotUtf8},
  };
  for (const auto& [input, code] : kBad) {
    const auto prepared = prepare_domain(input);
    ASSERT_FALSE(prepared) << input << " gave " << *prepared;
    EXPECT_EQ(prepared.error().code, code) << input << ": " << prepared.error().to_string();
    EXPECT_FALSE(prepared.error().detail.empty());
  }
}

std::string repeat(std::string_view text, int times) {
  std::string all;
  while (times-- > 0) all.append(text);
  return all;
}

TEST(Domain, Lengths) {
  const std::string label(63, 'a');
  EXPECT_TRUE(prepare_domain(label));
  EXPECT_EQ(prepare_domain(label + "a").error().code, Errc::kJidDomainTooLong);
  // 15 full labels with their dots and one more are 1023 bytes.
  const std::string longest = repeat(label + ".", 15) + std::string(63, 'b');
  ASSERT_EQ(longest.size(), kDomainBytesMax);
  EXPECT_EQ(prepare_domain(longest).value(), longest);
  EXPECT_EQ(prepare_domain(longest + ".").value(), longest);
  EXPECT_EQ(prepare_domain("a." + longest).error().code, Errc::kJidDomainTooLong);
  // 59 bytes of U-label are more than 63 of A-label.
  EXPECT_TRUE(prepare_domain(repeat("\u00FC", 50)));
  EXPECT_EQ(prepare_domain(std::string(55, 'a') + "\u00FC\u05D0").error().code,
            Errc::kJidDomainForbidden);
  EXPECT_EQ(prepare_domain(std::string(60, 'a') + "\u00FC").error().code, Errc::kJidDomainTooLong);
  EXPECT_EQ(prepare_domain(std::string(100000, 'a')).error().code, Errc::kJidDomainTooLong);
}

TEST(Domain, ToAscii) {
  EXPECT_EQ(domain_to_ascii("example.com").value(), "example.com");
  EXPECT_EQ(domain_to_ascii("b\u00FCcher.example").value(), "xn--bcher-kva.example");
  EXPECT_EQ(domain_to_ascii("[::1]").value(), "[::1]");
  EXPECT_EQ(domain_to_ascii(repeat("aaaaaaaaa.", 30) + "a").error().code, Errc::kJidDomainTooLong);
}

TEST(Domain, IpLiterals) {
  for (const std::string_view yes : {"127.0.0.1", "[::1]", "255.255.255.255"}) {
    EXPECT_TRUE(is_ip_literal(yes)) << yes;
  }
  for (const std::string_view no : {"example.com", "256.0.0.1", "1.2.3", "1.2.3.4.5", "::1"}) {
    EXPECT_FALSE(is_ip_literal(no)) << no;
  }
}

RC_GTEST_PROP(Domain, PreparedOnceIsPreparedForEver, ()) {
  const auto letter = rc::gen::weightedOneOf<char32_t>(
      {{8, rc::gen::inRange<char32_t>('a', 'z' + 1)},
       {2, rc::gen::inRange<char32_t>(0xC0, 0x180)},
       {1, rc::gen::inRange<char32_t>(0x900, 0xE00)},
       {1, rc::gen::inRange<char32_t>(0x3000, 0x3130)},
       {1, rc::gen::inRange<char32_t>(0xFF21, 0xFF3B)},
       {1, rc::gen::element<char32_t>('.', '-', 0x3002, 0xFF0E, 0x301)}});
  const auto once = prepare_domain(encode_utf8(*rc::gen::container<std::u32string>(letter)));
  if (!once) return;
  RC_ASSERT(prepare_domain(*once).value() == *once);
  // By way of the DNS it is the same name.
  const auto ascii = domain_to_ascii(*once);
  if (ascii) RC_ASSERT(prepare_domain(*ascii).value() == *once);
}

}  // namespace
}  // namespace balcony::precis
