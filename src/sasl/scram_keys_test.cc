#include "sasl/scram_keys.h"

#include "base/base64.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

constexpr std::string_view kSecret = "a secret of the server's own";

// Computed with Python's hashlib from the salt of RFC 5802 §5.
TEST(ScramKeys, DerivedAsRfc5802Section3) {
  const std::string salt = base64_decode("QSXCR+Q6sek8bf92").value();
  const auto keys = derive_keys(ScramHash::kSha1, "pencil", std::string_view(salt), 4096);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->hash, ScramHash::kSha1);
  EXPECT_EQ(keys->iterations, 4096U);
  EXPECT_EQ(keys->salt, salt);
  EXPECT_EQ(hex_encode(keys->stored_key), "e9d94660c39d65c38fbad91c358f14da0eef2bd6");
  EXPECT_EQ(hex_encode(keys->server_key), "0fe09258b3ac852ba502cc62ba903eaacdbf7d31");
}

TEST(ScramKeys, FreshSaltEachTime) {
  SeededRandom random(1);
  const auto one = derive_keys(ScramHash::kSha256, "pencil", random);
  const auto two = derive_keys(ScramHash::kSha256, "pencil", random);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->iterations, 10'000U);
  EXPECT_EQ(one->salt.size(), kSaltBytes);
  EXPECT_NE(one->salt, two->salt);
  EXPECT_NE(one->stored_key, two->stored_key);
}

TEST(ScramKeys, VerifyPassword) {
  SeededRandom random(1);
  for (const ScramHash hash : kScramHashes) {
    const auto keys = derive_keys(hash, "pencil", random, 4096).value();
    EXPECT_TRUE(verify_password("pencil", keys));
    EXPECT_FALSE(verify_password("Pencil", keys));
    EXPECT_FALSE(verify_password("", keys));
  }
}

TEST(ScramKeys, PasswordsAreOpaqueStrings) {
  SeededRandom random(1);
  // RFC 8265 §4.2.2: a non-ASCII space becomes U+0020; §4.3: the empty one is none.
  const auto keys = derive_keys(ScramHash::kSha1, "correct\u2003horse", random, 4096);
  ASSERT_TRUE(keys);
  EXPECT_TRUE(verify_password("correct horse", *keys));
  EXPECT_EQ(derive_keys(ScramHash::kSha1, "", random).error().code, Errc::kPrecisEmpty);
  EXPECT_FALSE(derive_keys(ScramHash::kSha1, "tab\tbed", random));
}

TEST(ScramKeys, FakeOnesAreStableAndShapedAsRealOnes) {
  for (const ScramHash hash : kScramHashes) {
    const ScramKeys keys = fake_keys(hash, "nobody", kSecret);
    EXPECT_EQ(keys, fake_keys(hash, "nobody", kSecret));
    EXPECT_EQ(keys.iterations, kDefaultIterations);
    EXPECT_EQ(keys.salt.size(), kSaltBytes);
    EXPECT_EQ(keys.stored_key.size(), digest_size(hash));
    EXPECT_EQ(keys.server_key.size(), digest_size(hash));
    EXPECT_NE(keys.salt, fake_keys(hash, "nobody2", kSecret).salt);
    EXPECT_NE(keys.salt, fake_keys(hash, "nobody", "another secret of a server").salt);
  }
  EXPECT_NE(fake_keys(ScramHash::kSha1, "nobody", kSecret).salt,
            fake_keys(ScramHash::kSha256, "nobody", kSecret).salt);
}

}  // namespace
}  // namespace balcony::sasl
