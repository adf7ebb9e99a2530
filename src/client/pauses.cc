#include "client/pauses.h"

#include "base/random.h"

#include <algorithm>
#include <cstdint>

namespace balcony::client {

Task<bool> Pauses::pause(std::chrono::milliseconds time) {
  WaitList<bool>::Wait wait(waits_);
  const TimerId timer = loop_.after(time, [&wait] { wait.value.set(true); });
  const bool in_full = co_await wait.value;
  loop_.cancel(timer);
  co_return in_full;
}

Task<bool> Pauses::before_next_attempt(std::chrono::milliseconds first,
                                       std::chrono::milliseconds longest) {
  backoff_ = backoff_.count() == 0 ? first : std::min(backoff_ * 2, longest);
  const auto quarter = static_cast<std::uint64_t>(backoff_.count()) / 4 + 1;
  const std::chrono::milliseconds chance(system_random().u64() % quarter);
  co_return co_await pause(backoff_ + chance);
}

}  // namespace balcony::client
