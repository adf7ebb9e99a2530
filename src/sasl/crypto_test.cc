#include "sasl/crypto.h"

#include "base/base64.h"

#include <gtest/gtest.h>

namespace balcony::sasl {
namespace {

std::string hex(std::string_view bytes) {
  return hex_encode(bytes);
}

TEST(Crypto, HashNames) {
  for (const ScramHash hash : kScramHashes) EXPECT_EQ(scram_hash(to_string(hash)), hash);
  for (const std::string_view other : {"", "SHA1", "sha-1", "SHA-224", "SHA-256 ", "MD5"}) {
    EXPECT_FALSE(scram_hash(other)) << other;
  }
}

TEST(Crypto, DigestsAndHmac) {
  EXPECT_EQ(hex(digest(ScramHash::kSha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(digest(ScramHash::kSha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(digest(ScramHash::kSha512, "abc")).substr(0, 32),
            "ddaf35a193617abacc417349ae204131");
  EXPECT_EQ(hex(hmac(ScramHash::kSha1, "", "")), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
  // RFC 4231 §4.3.
  EXPECT_EQ(hex(hmac(ScramHash::kSha256, "Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, Pbkdf2VectorsOfRfc6070) {
  EXPECT_EQ(hex(pbkdf2(ScramHash::kSha1, "password", "salt", 1)),
            "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  EXPECT_EQ(hex(pbkdf2(ScramHash::kSha1, "password", "salt", 2)),
            "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  EXPECT_EQ(hex(pbkdf2(ScramHash::kSha1, "password", "salt", 4096)),
            "4b007901b765489abead49d926f721d065a429c1");
}

// Computed with Python's hashlib.pbkdf2_hmac.
TEST(Crypto, Pbkdf2OfKeysAroundTheBlockLength) {
  struct Vector {
    ScramHash hash;
    std::size_t key_bytes;
    std::string_view start;
  };
  for (const auto& [hash, key_bytes, start] :
       {Vector{ScramHash::kSha1, 64, "2423bc5fc81b71e1"},
        Vector{ScramHash::kSha1, 65, "62df75a9bde9b7fc"},
        Vector{ScramHash::kSha256, 64, "59e38449e5b54993"},
        Vector{ScramHash::kSha256, 65, "37681f3749277f6b"},
        Vector{ScramHash::kSha256, 129, "f424c20e2bcd0d17"},
        Vector{ScramHash::kSha512, 65, "07e6a98776f252d7"},
        Vector{ScramHash::kSha512, 128, "abdcbe5c83ebca2a"},
        Vector{ScramHash::kSha512, 129, "e1ef2201eada6573"}}) {
    const std::string key(key_bytes, 'k');
    EXPECT_EQ(hex(pbkdf2(hash, key, "salt", 3)).substr(0, 16), start) << key_bytes;
  }
  EXPECT_EQ(hex(pbkdf2(ScramHash::kSha256, "", "", 1)),
            "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad");
  EXPECT_EQ(hex(pbkdf2(ScramHash::kSha512, "password", "salt", 2)),
            "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
            "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e");
}

TEST(Crypto, SmallThings) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_constant_time("secret", "secre"));
  EXPECT_EQ(exclusive_or("\x0f\xf0", "\xff\xff"), "\xf0\x0f");
  std::string secret = "a password";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}

}  // namespace
}  // namespace balcony::sasl
