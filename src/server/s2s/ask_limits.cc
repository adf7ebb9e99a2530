#include "server/s2s/ask_limits.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace balcony::server::s2s {
namespace {

constexpr std::chrono::seconds kRestFirst{1};
constexpr std::chrono::minutes kMinute{1};

// An address holds no space, nor does a domain.
std::string of_both(const Question& question) {
  return question.target + ' ' + question.address;
}

// Another key, or another domain of ours, may get another answer.
bool is_answer(Errc code) {
  return code <= Errc::kUnexpectedRequest && code != Errc::kRemoteServerNotFound &&
         code != Errc::kRemoteServerTimeout;
}

}  // namespace

Result<> AskLimits::begin(const Question& question, Instant now) {
  const Failure* known = failures_.find(question.target);
  if (known && now < known->rests_until) return fail(known->error);
  const Failure* said_no = failures_.find(of_both(question));
  if (said_no && now < said_no->rests_until) {
    return fail(Errc::kResourceConstraint, "this was wrong a moment ago");
  }
  const Minute* minute = addresses_.find(question.address);
  if (minute && now - minute->began < kMinute &&
      minute->failures >= options_.failures_per_minute_max) {
    return fail(Errc::kResourceConstraint, "too much of what this address asks for fails");
  }
  std::size_t& of_address = running_by_address_[question.address];
  if (running_ >= options_.at_once_max || of_address >= options_.at_once_per_address_max) {
    if (of_address == 0) running_by_address_.erase(question.address);
    return fail(Errc::kResourceConstraint, "too much is being verified");
  }
  ++running_;
  ++of_address;
  return {};
}

void AskLimits::end(const Question& question, const Result<>& outcome, Instant now) {
  const auto running = running_by_address_.find(question.address);
  BALCONY_ASSERT(running_ > 0 && running != running_by_address_.end(), "a question never began");
  --running_;
  if (--running->second == 0) running_by_address_.erase(running);
  if (outcome) {
    failures_.erase(question.target);
    failures_.erase(of_both(question));
    return;
  }
  const Error& error = outcome.error();
  if (error.code == Errc::kResourceConstraint || error.code == Errc::kCancelled) return;
  remember(is_answer(error.code) ? of_both(question) : question.target, error, now);
  Minute* minute = addresses_.find(question.address);
  if (!minute || now - minute->began >= kMinute) {
    Minute next;
    next.began = now;
    minute = &addresses_.put(question.address, next);
  }
  ++minute->failures;
}

// A second, then two, four and so on. Once it has been left alone for longest, it begins anew.
void AskLimits::remember(std::string_view name, const Error& error, Instant now) {
  Failure* known = failures_.find(name);
  const bool is_old = known && now - known->rests_until > options_.rest_max;
  const unsigned count = known && !is_old ? known->count + 1 : 1;
  const std::chrono::seconds rest = kRestFirst * (1 << std::min(count - 1, 20U));
  Failure failure{error, count, now + std::min(rest, options_.rest_max)};
  failures_.put(name, std::move(failure));
}

}  // namespace balcony::server::s2s
