#include "net/certificate.h"
#include "net/self_signed.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace balcony {
namespace {

TEST(Certificate, NamesMatchByRfc9525) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  for (const Case& c :
       {Case{"example.org", "example.org", true}, Case{"Example.ORG", "eXample.org", true},
        Case{"example.org", "example.org.", true}, Case{"example.org", "example.com", false},
        Case{"example.org", "sub.example.org", false}, Case{"*.example.org", "a.example.org", true},
        Case{"*.example.org", "example.org", false},
        Case{"*.example.org", "a.b.example.org", false},
        Case{"*.example.org", ".example.org", false}, Case{"*.org", "example.org", false},
        Case{"*.*.org", "a.b.org", false}, Case{"f*.example.org", "foo.example.org", false},
        Case{"xn--n3h.example", "xn--n3h.example", true}, Case{"", "", false}}) {
    EXPECT_EQ(dns_name_matches(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
  }
  const std::string with_zero("example.org\0.evil.test", 22);
  EXPECT_FALSE(dns_name_matches(with_zero, "example.org"));
}

TEST(Certificate, ServicesAndAddresses) {
  CertificateNames names;
  names.srv = {"_xmpp-server.example.org"};
  names.ip_addresses = {"2001:db8::1"};
  EXPECT_FALSE(certificate_is_for(names, "example.org"));
  EXPECT_TRUE(certificate_is_for(names, "Example.org", "xmpp-server"));
  EXPECT_FALSE(certificate_is_for(names, "example.org", "xmpp-client"));
  EXPECT_TRUE(certificate_is_for(names, "2001:DB8:0::1"));
  EXPECT_FALSE(certificate_is_for(names, "2001:db8::2"));
}

TEST(Certificate, RefusesWhatIsNone) {
  EXPECT_EQ(read_certificate("nonsense").error().code, Errc::kMalformed);
  EXPECT_EQ(read_certificate_pem("nonsense").error().code, Errc::kMalformed);
}

TEST(SelfSigned, SaysWhatItWasAskedFor) {
  const auto made =
      make_self_signed({"example.org", "*.example.org", "127.0.0.1"}, std::chrono::days(30));
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  const auto certificate = read_certificate_pem(made->certificate_pem);
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(certificate->names.dns, (std::vector<std::string>{"example.org", "*.example.org"}));
  EXPECT_EQ(certificate->names.ip_addresses, std::vector<std::string>{"127.0.0.1"});
  EXPECT_TRUE(certificate->self_signed);
  EXPECT_EQ(certificate->subject, "CN = example.org");
  EXPECT_EQ(certificate->sha256.size(), 64u);
  const auto valid = certificate->not_after - certificate->not_before;
  EXPECT_GE(valid, std::chrono::days(30));
  EXPECT_LE(valid, std::chrono::days(31));
}

TEST(SelfSigned, RefusesNamesThatAreNone) {
  EXPECT_FALSE(make_self_signed({}).has_value());
  EXPECT_FALSE(make_self_signed({""}).has_value());
  EXPECT_FALSE(make_self_signed({"a.example,DNS:b.example"}).has_value());
  EXPECT_FALSE(make_self_signed({"bücher.example"}).has_value());
}

TEST(SelfSigned, KeysAreForTheOwnerOnly) {
  const std::string stem =
      testing::TempDir() + "/balcony_self_signed_" + std::to_string(::getpid());
  const std::string chain = stem + ".crt";
  const std::string key = stem + ".key";
  const auto made = make_self_signed({"example.org"});
  ASSERT_TRUE(write_self_signed(*made, chain, key).has_value());
  struct stat about{};
  ASSERT_EQ(::stat(key.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  EXPECT_EQ(write_self_signed(*made, chain, key).error().code, Errc::kConflict);
  std::ifstream file(key);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), made->key_pem);
  std::remove(chain.c_str());
  std::remove(key.c_str());
}

}  // namespace
}  // namespace balcony
