#include "storage/storage.h"

#include "base/random.h"
#include "storage/shard.h"

#include <algorithm>

namespace balcony::storage {
namespace {

// 64 characters in the order of their bytes: six bits each, and numbers sort as text.
constexpr std::string_view kAlphabet =
    "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
static_assert(kAlphabet.size() == 64);

constexpr int kTimeChars = 8;      // milliseconds since 1970, 48 bits: to the year 10 889
constexpr int kSequenceChars = 3;  // within the millisecond, per thread
constexpr int kRandomChars = 7;    // tells shards and nodes apart
constexpr std::uint64_t kSequenceMax = (1ULL << (6 * kSequenceChars)) - 1;

// A clock that is set back by less keeps the order of what comes in; an older time than that is
// meant.
constexpr std::uint64_t kBackwardsMillisMax = 5'000;

// The lowest `chars` digits of `number`, to `at`; returns what is behind them.
char* put_digits(char* at, std::uint64_t number, int chars) {
  for (int i = chars - 1; i >= 0; --i) *at++ = kAlphabet[(number >> (6 * i)) & 63];
  return at;
}

std::uint64_t millis_of(WallTime time) {
  const std::int64_t since_1970 = time.time_since_epoch().count();
  return since_1970 < 0 ? 0 : static_cast<std::uint64_t>(since_1970);
}

}  // namespace

void Store::AccountCounts::add(const Account& account) {
  ++accounts;
  const auto slot = [](auto& list, const std::string& hash) -> auto& {
    auto at = std::ranges::lower_bound(list, hash, {}, [](const auto& e) { return e.first; });
    if (at == list.end() || at->first != hash) at = list.insert(at, {hash, 0});
    return at->second;
  };
  for (const ScramKeys& keys : account.keys) {
    ++slot(with_keys, keys.hash);
    std::uint32_t& least = slot(iterations_min, keys.hash);
    if (least == 0 || keys.iterations < least) least = keys.iterations;
  }
}

Task<Result<>> Store::write(Batch batch) {
  const Ticket ticket = commit(std::move(batch));
  auto slot = std::make_shared<OneShot<Result<>>>();
  when(ticket, setter(slot));
  OneShot<Result<>>& reported = *slot;
  co_return co_await reported;
}

std::string archive_id(WallTime now) {
  thread_local std::uint64_t last_millis = 0;
  thread_local std::uint64_t sequence = 0;
  const std::uint64_t millis = millis_of(now);
  if (millis > last_millis || last_millis - millis > kBackwardsMillisMax) {
    last_millis = millis;
    sequence = 0;
  } else if (++sequence > kSequenceMax) {
    ++last_millis;
    sequence = 0;
  }
  std::string id(kTimeChars + kSequenceChars + kRandomChars, '-');
  char* at = put_digits(id.data(), last_millis, kTimeChars);
  at = put_digits(at, sequence, kSequenceChars);
  put_digits(at, system_random().u64(), kRandomChars);
  return id;
}

std::string archive_position(WallTime time) {
  // A text sorts before all that begin with it.
  std::string position(kTimeChars, '-');
  put_digits(position.data(), millis_of(time), kTimeChars);
  return position;
}

bool is_archive_id(std::string_view text, WallTime now) {
  if (text.size() != kTimeChars + kSequenceChars + kRandomChars) return false;
  if (text.find_first_not_of(kAlphabet) != std::string_view::npos) return false;
  // The clock may have been set back since, as in archive_id().
  const auto slack = std::chrono::milliseconds(kBackwardsMillisMax + 1);
  return text.substr(0, kTimeChars) <= archive_position(now + slack);
}

}  // namespace balcony::storage
