#include "base/random.h"

#include "base/assert.h"
#include "base/base64.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace balcony {
namespace {

void from_system(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    BALCONY_ASSERT(got > 0, "the system gives no randomness");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    // A system call for each nonce would be dear; a page of randomness a thread is not. What was
    // handed out is wiped, so that a later leak of memory does not tell earlier tokens.
    thread_local std::array<std::byte, 1024> page;
    thread_local std::size_t used = page.size();
    if (out.size() > page.size() / 4) return from_system(out);
    if (page.size() - used < out.size()) {
      from_system(page);
      used = 0;
    }
    std::memcpy(out.data(), page.data() + used, out.size());
    std::memset(page.data() + used, 0, out.size());
    used += out.size();
  }
};

}  // namespace

std::uint64_t Random::u64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::string Random::token(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  fill(raw);
  return base64url_encode({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

void SeededRandom::fill(std::span<std::byte> out) {
  // splitmix64: tiny, and good enough where nobody guesses.
  for (std::byte& byte : out) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    byte = static_cast<std::byte>((z ^ (z >> 31)) & 0xff);
  }
}

}  // namespace balcony
