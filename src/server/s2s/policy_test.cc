#include "server/s2s/policy.h"

#include "base/base64.h"
#include "sasl/crypto.h"

#include <gmock/gmock.h>

namespace balcony::server::s2s {
namespace {

using ::testing::HasSubstr;

RemoteDomainConfig remote(std::string domain, std::string policy, std::string certificate = "") {
  RemoteDomainConfig config;
  config.domain = std::move(domain);
  config.policy = std::move(policy);
  config.certificate = std::move(certificate);
  return config;
}

TEST(S2sPolicy, DomainsAreAllowedUnlessTheConfigurationSaysOtherwise) {
  S2sConfig config;
  EXPECT_FALSE(refusal(config, "any.example"));
  config.domains.push_back(remote("bad.example", "deny"));
  EXPECT_FALSE(refusal(config, "any.example"));
  ASSERT_TRUE(refusal(config, "bad.example"));
  EXPECT_EQ(refusal(config, "bad.example")->code, Errc::kNotAllowed);
  config.allow_only = {"friend.example", "bad.example"};
  EXPECT_FALSE(refusal(config, "friend.example"));
  EXPECT_TRUE(refusal(config, "any.example"));
  EXPECT_TRUE(refusal(config, "bad.example")) << "deny beats allow_only";
  EXPECT_FALSE(trust_of(config, "any.example").allowed);
}

TEST(S2sPolicy, WhatADomainHasToProve) {
  S2sConfig config;
  config.domains = {remote("strict.example", "allow", "required"),
                    remote("pinned.example", "allow", "pinned"),
                    remote("lax.example", "allow", "dialback")};
  EXPECT_TRUE(trust_of(config, "any.example").tls_required);
  EXPECT_FALSE(trust_of(config, "any.example").certificate_required);
  EXPECT_TRUE(trust_of(config, "strict.example").certificate_required);
  EXPECT_TRUE(trust_of(config, "pinned.example").certificate_required);
  config.require_certificate = true;
  EXPECT_TRUE(trust_of(config, "any.example").certificate_required);
  EXPECT_FALSE(trust_of(config, "lax.example").certificate_required);
  config.require_tls = false;
  EXPECT_FALSE(trust_of(config, "lax.example").tls_required);
  EXPECT_TRUE(trust_of(config, "strict.example").tls_required) << "no certificate without TLS";
}

TEST(S2sPolicy, APinnedCertificateIsTheOnlyOne) {
  PeerCertificate peer;
  peer.der = "a certificate";
  peer.fault = CertificateFault::kSelfSigned;
  peer.error = "its certificate is signed by itself";
  S2sConfig config;
  const auto faulty = check_certificate(config, peer, "pinned.example");
  ASSERT_FALSE(faulty);
  EXPECT_THAT(faulty.error().detail, HasSubstr("self-signed"));
  config.domains = {remote("pinned.example", "allow", "pinned")};
  const std::string digest = hex_encode(sasl::digest(sasl::ScramHash::kSha256, peer.der));
  config.domains.front().pins = {std::string(64, '0'), digest};
  EXPECT_TRUE(check_certificate(config, peer, "pinned.example"));
  EXPECT_FALSE(check_certificate(config, peer, "other.example"));
  peer.der = "another certificate";
  peer.trusted = true;
  peer.fault = CertificateFault::kNone;
  const auto other = check_certificate(config, peer, "pinned.example");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().detail, HasSubstr("not-pinned"));
}

}  // namespace
}  // namespace balcony::server::s2s
