// Randomness, handed in. SystemRandom is the system's generator, fit for keys and tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace balcony {

class Random {
 public:
  virtual ~Random() = default;

  // Fills `out` with random bytes. Never fails: a system without randomness ends the process.
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t u64();

  // `bytes` of randomness as base64url without padding: for ids, nonces and tokens. 16 bytes are
  // enough for a secret, 9 for an id that only must not repeat.
  std::string token(std::size_t bytes = 16);
};

// getrandom(2), buffered per thread. From any thread.
Random& system_random();

// Repeatable: for tests and simulation, never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace balcony
