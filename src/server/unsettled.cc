#include "server/unsettled.h"

namespace balcony::server {

bool is_too_much_open(const Ledger* ledger, const LimitsConfig& limits) {
  if (!ledger) return false;
  return ledger->open() >= static_cast<std::size_t>(limits.unsettled_stanzas) ||
         ledger->open_bytes() >= limits.unsettled_bytes.count;
}

Task<> UnsettledWait::wait(std::function<bool()> is_behind) {
  while (is_behind()) {
    const auto waiter = std::make_shared<OneShot<bool>>();
    waiter_ = waiter;
    OneShot<bool>& done = *waiter;
    co_await done;
    waiter_.reset();
  }
}

void UnsettledWait::wake(Loop& loop) {
  if (waiter_) loop.post([waiter = waiter_] { waiter->set(true); });
}

}  // namespace balcony::server
