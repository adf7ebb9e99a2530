// Hi() of RFC 5802 §2.2: nearly all of what a login costs, hence not EVP's, which copies two
// contexts on the heap for each iteration. Here the two states of the keyed HMAC (inner and outer)
// are computed once, and an iteration is two calls of libcrypto's block function.
#include "base/assert.h"
#include "sasl/crypto.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <bit>
#include <cstring>

namespace balcony::sasl {
namespace {

template <class Word>
Word big_endian(Word value) {
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

// What differs between the hashes: their state, its words, and the function over one block. The
// block functions are "low level" since OpenSSL 3.0.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct Sha1 {
  using Context = SHA_CTX;
  using Word = SHA_LONG;
  static constexpr std::size_t kWords = 5, kBlock = SHA_CBLOCK;
  static void init(Context& c) { SHA1_Init(&c); }
  static void block(Context& c, const unsigned char* data) { SHA1_Transform(&c, data); }
  static void store(const Context& c, std::array<Word, kWords>& out) {
    out = {big_endian(c.h0), big_endian(c.h1), big_endian(c.h2), big_endian(c.h3),
           big_endian(c.h4)};
  }
};

template <class Context_, class Word_, std::size_t block_size, auto init_, auto transform>
struct Sha2 {
  using Context = Context_;
  using Word = Word_;
  static constexpr std::size_t kWords = 8, kBlock = block_size;
  static void init(Context& c) { init_(&c); }
  static void block(Context& c, const unsigned char* data) { transform(&c, data); }
  static void store(const Context& c, std::array<Word, kWords>& out) {
    for (std::size_t i = 0; i < kWords; ++i) out[i] = big_endian(c.h[i]);
  }
};
using Sha256 = Sha2<SHA256_CTX, SHA_LONG, SHA256_CBLOCK, SHA256_Init, SHA256_Transform>;
using Sha512 = Sha2<SHA512_CTX, SHA_LONG64, SHA512_CBLOCK, SHA512_Init, SHA512_Transform>;
#pragma GCC diagnostic pop

// The state after the key's block XOR `pad` (RFC 2104 §2). `key` is at most one block.
template <class Hash>
typename Hash::Context keyed(std::string_view key, unsigned char pad) {
  std::array<unsigned char, Hash::kBlock> block{};
  if (!key.empty()) std::memcpy(block.data(), key.data(), key.size());
  for (unsigned char& byte : block) byte ^= pad;
  typename Hash::Context state;
  Hash::init(state);
  Hash::block(state, block.data());
  OPENSSL_cleanse(block.data(), block.size());
  return state;
}

// A digest laid out as the one block that follows the key's: itself, 0x80, zeros, length in bits.
template <class Hash>
struct DigestBlock {
  static constexpr std::size_t kDigest = sizeof(typename Hash::Word) * Hash::kWords;
  static constexpr std::uint64_t kBits = (Hash::kBlock + kDigest) * 8;

  DigestBlock() {
    bytes[kDigest] = 0x80;
    bytes[Hash::kBlock - 2] = kBits >> 8;
    bytes[Hash::kBlock - 1] = kBits & 0xff;
  }

  // Becomes the digest of `start` followed by what is here now.
  void advance(const typename Hash::Context& start) {
    typename Hash::Context state = start;
    Hash::block(state, bytes.data());
    std::array<typename Hash::Word, Hash::kWords> words;
    Hash::store(state, words);
    std::memcpy(bytes.data(), words.data(), kDigest);
  }

  alignas(16) std::array<unsigned char, Hash::kBlock> bytes{};
};

template <class Hash>
std::string hi(std::string_view key, std::string first, std::uint32_t iterations) {
  auto inner = keyed<Hash>(key, 0x36);
  auto outer = keyed<Hash>(key, 0x5c);
  DigestBlock<Hash> u;
  BALCONY_ASSERT(first.size() == u.kDigest, "HMAC of another length");
  std::memcpy(u.bytes.data(), first.data(), u.kDigest);
  for (std::uint32_t i = 1; i < iterations; ++i) {
    u.advance(inner);
    u.advance(outer);
    for (std::size_t k = 0; k < u.kDigest; ++k) {
      first[k] = static_cast<char>(static_cast<unsigned char>(first[k]) ^ u.bytes[k]);
    }
  }
  OPENSSL_cleanse(&inner, sizeof inner);
  OPENSSL_cleanse(&outer, sizeof outer);
  OPENSSL_cleanse(u.bytes.data(), u.bytes.size());
  return first;
}

}  // namespace

std::string pbkdf2(ScramHash hash, std::string_view password, std::string_view salt,
                   std::uint32_t iterations) {
  BALCONY_ASSERT(iterations >= 1, "PBKDF2 without an iteration");
  const std::size_t block = hash == ScramHash::kSha512 ? Sha512::kBlock : Sha256::kBlock;
  // RFC 2104 §2: a key longer than a block is hashed first.
  std::string key = password.size() > block ? digest(hash, password) : std::string(password);
  std::string first = hmac(hash, key, std::string(salt).append("\0\0\0\1", 4));
  std::string out;
  switch (hash) {
    case ScramHash::kSha1: out = hi<Sha1>(key, std::move(first), iterations); break;
    case ScramHash::kSha256: out = hi<Sha256>(key, std::move(first), iterations); break;
    case ScramHash::kSha512: out = hi<Sha512>(key, std::move(first), iterations); break;
  }
  wipe(key);
  return out;
}

}  // namespace balcony::sasl
