#include "net/tlsa.h"

#include "net/certificate.h"
#include "net/chain_test_support.h"
#include "net/self_signed.h"

#include "base/base64.h"

#include <gtest/gtest.h>

namespace balcony {
namespace {

const std::vector<std::string> kNames = {"example.org", "xmpp.example.net"};

std::string digest(const EVP_MD* hash, const std::string& bytes) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), value, &size, hash, nullptr);
  return std::string(reinterpret_cast<const char*>(value), size);
}

TlsaRecord record(TlsaUsage usage, const std::string& der) {
  return {usage, 0, 1, digest(EVP_sha256(), der)};
}

PeerCertificate showing(std::vector<std::string> chain, bool trusted = false) {
  PeerCertificate peer;
  peer.der = chain.front();
  peer.chain = std::move(chain);
  peer.trusted = trusted;
  return peer;
}

TEST(Tlsa, ReadsRecords) {
  const std::string data(32, 'd');
  const auto read = parse_tlsa(std::string("\x03\x01\x01", 3) + data);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (TlsaRecord{TlsaUsage::kDaneEe, 1, 1, data}));
  EXPECT_TRUE(parse_tlsa(std::string("\x02\x00\x02", 3) + std::string(64, 'd')));
  EXPECT_TRUE(parse_tlsa(std::string("\x00\x00\x00", 3) + "whole"));
  for (const std::string& text :
       {std::string(), std::string("\x03\x01\x01", 3), std::string("\x04\x01\x01", 3) + data,
        std::string("\x03\x02\x01", 3) + data, std::string("\x03\x01\x03", 3) + data,
        std::string("\x03\x01\x01", 3) + "short", std::string("\x03\x01\x02", 3) + data}) {
    EXPECT_FALSE(parse_tlsa(text));
  }
}

TEST(Tlsa, WhereRecordsAre) {
  EXPECT_EQ(tlsa_name(5269, "xmpp.example.org"), "_5269._tcp.xmpp.example.org");
}

TEST(Tlsa, TheServersOwnCertificate) {
  const std::string own = test::der_of(make_self_signed({"other.example"}).value().certificate_pem);
  const std::string another = test::der_of(make_self_signed(kNames).value().certificate_pem);
  const auto verdict = [&](const TlsaRecord& one) {
    return match_tlsa(std::span(&one, 1), showing({own}), kNames);
  };
  EXPECT_EQ(match_tlsa({}, showing({own}), kNames), DaneVerdict::kNone);
  // RFC 7671 §5.1: names are not looked at.
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneEe, own)), DaneVerdict::kMatches);
  EXPECT_EQ(verdict({TlsaUsage::kDaneEe, 0, 0, own}), DaneVerdict::kMatches);
  EXPECT_EQ(verdict({TlsaUsage::kDaneEe, 0, 2, digest(EVP_sha512(), own)}), DaneVerdict::kMatches);
  EXPECT_EQ(verdict({TlsaUsage::kDaneEe, 1, 1, digest(EVP_sha256(), test::public_key_of(own))}),
            DaneVerdict::kMatches);
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneEe, another)), DaneVerdict::kMismatch);
  // One of several is enough.
  const TlsaRecord both[] = {record(TlsaUsage::kDaneEe, another), record(TlsaUsage::kDaneEe, own)};
  EXPECT_EQ(match_tlsa(both, showing({own}), kNames), DaneVerdict::kMatches);
  // It has to be the one that was shown first.
  EXPECT_EQ(match_tlsa(std::span(&both[0], 1), showing({own, another}), kNames),
            DaneVerdict::kMismatch);
  EXPECT_EQ(match_tlsa(both, PeerCertificate{}, kNames), DaneVerdict::kMismatch);
}

TEST(Tlsa, AnAuthorityOfTheDomains) {
  const test::Chain good = test::make_chain("example.org");
  const test::Chain wrong = test::make_chain("other.example");
  const auto verdict = [](const TlsaRecord& one, const PeerCertificate& peer) {
    return match_tlsa(std::span(&one, 1), peer, kNames);
  };
  const PeerCertificate peer = showing({good.leaf_der, good.authority_der});
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneTa, good.authority_der), peer), DaneVerdict::kMatches);
  // RFC 7673 §3.3: for the domain, or the host that SRV named.
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneTa, wrong.authority_der),
                    showing({wrong.leaf_der, wrong.authority_der})),
            DaneVerdict::kMismatch);
  // Who shows an authority is not signed by it.
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneTa, good.authority_der),
                    showing({wrong.leaf_der, good.authority_der})),
            DaneVerdict::kMismatch);
  EXPECT_EQ(verdict(record(TlsaUsage::kDaneTa, good.authority_der), showing({good.leaf_der})),
            DaneVerdict::kMismatch);
}

TEST(Tlsa, PublicAuthoritiesMustTrustItToo) {
  const test::Chain chain = test::make_chain("xmpp.example.net");
  for (const bool trusted : {true, false}) {
    const auto wanted = trusted ? DaneVerdict::kMatches : DaneVerdict::kMismatch;
    const PeerCertificate peer = showing({chain.leaf_der, chain.authority_der}, trusted);
    for (const TlsaRecord& one : {record(TlsaUsage::kPkixTa, chain.authority_der),
                                  record(TlsaUsage::kPkixEe, chain.leaf_der)}) {
      EXPECT_EQ(match_tlsa(std::span(&one, 1), peer, kNames), wanted);
      const std::vector<std::string> others = {"elsewhere.example"};
      EXPECT_EQ(match_tlsa(std::span(&one, 1), peer, others), DaneVerdict::kMismatch);
    }
  }
}

}  // namespace
}  // namespace balcony
