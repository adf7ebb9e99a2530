#include "modules/xep_0313_archive/retention.h"

#include "base/log.h"
#include "modules/xep_0313_archive/reading.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace balcony::modules {
namespace {

// In the map of the host, beside the archives: when the last round began, in ms since 1970.
constexpr std::string_view kLastRound = "last round";

constexpr std::uint32_t kStepOwners = 50;
constexpr std::uint64_t kStepRows = 1'000;
// Of one commit: 5 ms of everybody's time (storage.h).
constexpr std::uint32_t kCommitRows = 250;
constexpr std::chrono::milliseconds kPause{200};

std::int64_t millis_of(const std::optional<storage::Value>& stored) {
  std::int64_t millis = 0;
  if (stored) {
    std::from_chars(stored->value.data(), stored->value.data() + stored->value.size(), millis);
  }
  return millis;
}

}  // namespace

void Retention::start() {
  if (options_.keep.count() == 0 && options_.messages_max == 0) return;
  // attach() may run before the loop does.
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    // Shards that start together need not look together.
    const std::chrono::milliseconds every = self->options_.every;
    const auto spread = static_cast<std::uint64_t>(every.count() / 4) + 1;
    self->look_again_in(every / 4 +
                        std::chrono::milliseconds(self->server_.random().u64() % spread));
  });
}

void Retention::look_again_in(std::chrono::milliseconds delay) {
  loop_.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->next();
  });
}

void Retention::next() {
  server_.spawn(nullptr, take_turn());
}

Task<> Retention::take_turn() {
  const auto self = shared_from_this();
  if (!in_round_) {
    auto due = co_await is_due();
    in_round_ = due && *due;
    cursor_.clear();
  }
  if (in_round_) {
    auto done = co_await step();
    if (!done) {
      log_warning("old messages stay in the archive", {{"error", done.error().to_string()}});
      in_round_ = false;
    }
  }
  look_again_in(in_round_ ? kPause : std::chrono::milliseconds(options_.every) / 4);
}

// Only one of the shards is told so (storage: put if the version is still the same).
Task<Result<bool>> Retention::is_due() {
  BALCONY_CO_ASSIGN(const auto last, co_await store_.get(host_.str(), std::string(kArchiveStore),
                                                         std::string(kLastRound)));
  const std::int64_t now = loop_.clock().wall().time_since_epoch().count();
  const std::int64_t every = std::chrono::milliseconds(options_.every).count();
  if (last && now >= millis_of(last) && now - millis_of(last) < every) co_return false;
  storage::Batch batch;
  batch.add(host_.str(),
            storage::op::PutIfVersion{std::string(kArchiveStore), std::string(kLastRound),
                                      std::to_string(now), last ? last->version : 0});
  co_return (co_await store_.write(std::move(batch))).has_value();
}

Task<Result<>> Retention::step() {
  step_rows_ = kStepRows;
  BALCONY_CO_ASSIGN(const std::vector<std::string> owners,
                    co_await store_.owners(std::string(kArchiveStore), cursor_, kStepOwners));
  for (const std::string& owner : owners) {
    const auto jid = Jid::parse(owner);
    if (jid && jid->has_local() && jid->domain() == host_.domain()) {
      if (options_.keep.count() > 0) BALCONY_CO_CHECK(co_await erase_old(owner));
      if (options_.messages_max > 0) BALCONY_CO_CHECK(co_await erase_many(owner));
    }
    // One with more to erase has the next step too.
    if (step_rows_ == 0) co_return Result<>();
    cursor_ = owner;
  }
  in_round_ = owners.size() == kStepOwners;
  co_return Result<>();
}

Task<Result<>> Retention::erase_old(std::string owner) {
  const WallTime oldest = loop_.clock().wall() - options_.keep;
  std::uint64_t erased = 1;
  while (erased > 0 && step_rows_ > 0) {
    std::string position = storage::archive_position(oldest);
    BALCONY_CO_ASSIGN(erased, co_await erase_oldest(owner, std::move(position), step_rows_));
  }
  co_return Result<>();
}

Task<Result<>> Retention::erase_many(std::string owner) {
  storage::ArchiveQuery all;
  BALCONY_CO_ASSIGN(std::uint64_t rows,
                    co_await store_.count(owner, std::string(kArchiveStore), std::move(all)));
  while (rows > options_.messages_max && step_rows_ > 0) {
    std::string position;
    const std::uint64_t most = rows - options_.messages_max;
    BALCONY_CO_ASSIGN(const std::uint64_t erased,
                      co_await erase_oldest(owner, std::move(position), most));
    if (erased == 0) break;
    rows -= erased;
  }
  co_return Result<>();
}

Task<Result<std::uint64_t>> Retention::erase_oldest(std::string owner, std::string position,
                                                    std::uint64_t most) {
  storage::ArchiveQuery oldest;
  oldest.before = std::move(position);
  oldest.limit =
      static_cast<std::uint32_t>(std::min<std::uint64_t>({most, step_rows_, kCommitRows}));
  BALCONY_CO_ASSIGN(const storage::ArchivePage page,
                    co_await store_.page(owner, std::string(kArchiveStore), std::move(oldest)));
  if (page.rows.empty()) co_return std::uint64_t{0};
  storage::Batch batch;
  batch.add(owner, storage::op::EraseUpTo{std::string(kArchiveStore), page.rows.back().id});
  BALCONY_CO_CHECK(co_await store_.write(std::move(batch)));
  step_rows_ -= page.rows.size();
  co_return page.rows.size();
}

}  // namespace balcony::modules
