#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace balcony::detail {

void assertion_failed(const char* file, int line, const char* expression,
                      std::string_view why) noexcept {
  std::fprintf(stderr, "%s:%d: this must hold and does not: %s (%.*s)\n", file, line, expression,
               static_cast<int>(why.size()), why.data());
  std::abort();
}

}  // namespace balcony::detail
