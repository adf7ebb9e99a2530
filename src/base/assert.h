// BALCONY_ASSERT: on in every build. A failed assertion is a bug of ours, never a peer's doing: it
// prints where and why, and ends the process.
#pragma once

#include <string_view>

namespace balcony::detail {
[[noreturn]] void assertion_failed(const char* file, int line, const char* expression,
                                   std::string_view why) noexcept;
}

#define BALCONY_ASSERT(condition, why)                                          \
  do {                                                                          \
    if (!(condition)) [[unlikely]]                                              \
      ::balcony::detail::assertion_failed(__FILE__, __LINE__, #condition, why); \
  } while (false)
