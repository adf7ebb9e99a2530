#include "bench/load/pacer.h"

#include "base/assert.h"
#include "net/reactor.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

namespace balcony::bench {
namespace {

constexpr long kPeriodNanoseconds = 500'000;

}  // namespace

Pacer::Pacer(Shard& shard, std::function<void()> tick)
    : shard_(shard),
      tick_(std::move(tick)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  const timespec period{0, kPeriodNanoseconds};
  const itimerspec times{period, period};
  const bool runs = timer_.is_open() && ::timerfd_settime(timer_.get(), 0, &times, nullptr) == 0 &&
                    shard_.reactor().add(*this, timer_.get(), EPOLLIN);
  BALCONY_ASSERT(runs, "no timer for a fixed rate");
}

Pacer::~Pacer() {
  shard_.reactor().remove(*this, timer_.get());
}

void Pacer::on_events(std::uint32_t) {
  std::uint64_t ticks = 0;
  if (::read(timer_.get(), &ticks, sizeof ticks) > 0) tick_();
}

}  // namespace balcony::bench
