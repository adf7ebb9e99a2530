#include "net/posh.h"

#include "net/certificate.h"
#include "net/chain_test_support.h"
#include "net/self_signed.h"

#include "base/base64.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

const std::string k256 = base64_encode(std::string(32, 'a'));
const std::string k512 = base64_encode(std::string(64, 'b'));

TEST(Posh, ReadsFingerprints) {
  const auto read =
      parse_posh("{\"fingerprints\": [ {\"sha-256\": \"" + k256 + "\", \"sha-512\": \"" + k512 +
                 "\", \"md5\": [1]}, {}, {\"sha-256\": "
                 "\"short\"}], \"expires\": 604800, \"note\": {\"a\": [null, -1.5e3]}}");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->sha256, std::vector{std::string(32, 'a')});
  EXPECT_EQ(read->sha512, std::vector{std::string(64, 'b')});
  EXPECT_EQ(read->expires, std::chrono::seconds(604800));
  EXPECT_EQ(read->url, "");
}

// RFC 7711 §3.2.
TEST(Posh, ReadsReferences) {
  const auto read = parse_posh(
      "{\"url\":\"https:\\/\\/hosting.example.net/.well-known/posh/xmpp-server.json\","
      "\"expires\":86400}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->url, "https://hosting.example.net/.well-known/posh/xmpp-server.json");
}

TEST(Posh, RefusesWhatIsNone) {
  const std::string one = "{\"sha-256\":\"" + k256 + "\"}";
  for (const std::string& text : std::vector<std::string>{
           "", "{}", "[]", "{\"fingerprints\":[]}", "{\"url\":\"http://example.net/\"}",
           "{\"url\":\"https://a/\",\"fingerprints\":[" + one + "]}",
           "{\"fingerprints\":[" + one + "]} more", "{\"fingerprints\":[" + one + "],}",
           "{\"fingerprints\":" + one + "}", "{\"fingerprints\":[" + one + "],\"expires\":-1}",
           "{\"fingerprints\":[" + one + "],\"expires\":1.5}",
           "{\"fingerprints\":[" + one + "],\"x\":}", std::string(70000, ' ')}) {
    EXPECT_FALSE(parse_posh(text)) << text.substr(0, 80);
  }
}

TEST(Posh, MatchesTheCertificateItself) {
  const SelfSigned made = make_self_signed({"example.org"}).value();
  PeerCertificate peer;
  peer.der = test::der_of(made.certificate_pem);
  const std::string sha256 = hex_decode(read_certificate(peer.der)->sha256).value();
  PoshDocument document;
  EXPECT_FALSE(posh_matches(document, peer));
  document.sha256 = {std::string(32, 'x')};
  EXPECT_FALSE(posh_matches(document, peer));
  document.sha256.push_back(sha256);
  EXPECT_TRUE(posh_matches(document, peer));
  peer.der.clear();
  EXPECT_FALSE(posh_matches(document, peer));
}

TEST(Posh, WhereTheDocumentIs) {
  EXPECT_EQ(posh_url("example.org"), "https://example.org/.well-known/posh/xmpp-server.json");
}

}  // namespace
}  // namespace balcony
