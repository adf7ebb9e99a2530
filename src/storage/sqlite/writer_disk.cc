// The writer and its disk: when it is full, and how long the write-ahead log may get.
#include "storage/sqlite/writer.h"

#include "base/log.h"

#include <sqlite3.h>

#include <algorithm>

namespace balcony::storage {
namespace {

constexpr std::uint64_t kPageBytes = 4'096;

// How long the write-ahead log may get, in pages. A checkpoint writes each page that changed since
// the last one once, so rare ones write less; but when the disk is full, the reserve must have room
// for what the log still has to bring into the file.
constexpr int kLogPagesMin = 1'024;
constexpr int kLogPagesMax = 4'096;

}  // namespace

int Writer::log_pages_max(std::uint64_t reserve_bytes) {
  if (reserve_bytes == 0) return kLogPagesMax;
  const auto pages = std::min<std::uint64_t>(reserve_bytes / kPageBytes, kLogPagesMax);
  return std::max(static_cast<int>(pages), kLogPagesMin);
}

void Writer::note_full(const Error& error) {
  full_ = true;
  why_full_ = error;
  reserve_.release();
  // What is in the log has to reach the file before the log can be written from its beginning.
  empty_log();
}

void Writer::note(const Result<>& done, bool erasing_only) {
  const bool well = done && !erasing_only;
  if (well) full_ = false;
  tally_.disk_full.store(full_);
  if (failing_ == !well) return;
  failing_ = !well;
  if (well) {
    log_info("commits succeed again");
  } else {
    log_error("commits fail", {{"why", done ? why_full_.detail : done.error().detail}});
  }
}

// Whether new rows may be written: not while the disk is so full that not even the reserve fits,
// or they would eat what erasing needs. Rows that were erased make room inside the file.
bool Writer::may_try() {
  if (reserve_.create() || !full_) return true;
  Query pages = db_.query("PRAGMA freelist_count");
  const Result<bool> row = pages.next();
  return row && *row &&
         static_cast<std::uint64_t>(pages.integer(0)) * kPageBytes >= reserve_.bytes();
}

void Writer::watch_log_size() {
  const int step = log_pages_max_ / 2;
  // The log began anew: everything in it had been copied.
  if (log_pages_ < step) checkpoint_at_pages_ = step;
  // Without the reserve, what the log takes is all that there is.
  constexpr int kLogPagesWhenTight = 64;
  const int longest = reserve_.held() ? log_pages_max_ : kLogPagesWhenTight;
  if (log_pages_ < longest) empty_again_at_pages_ = 0;

  if (log_pages_ >= longest && log_pages_ >= empty_again_at_pages_) {
    if (!empty_log()) empty_again_at_pages_ = log_pages_ + longest / 2;
  } else if (log_pages_ >= checkpoint_at_pages_) {
    checkpoint_at_pages_ = log_pages_ + step;
    checkpoint_();
  }
}

// Copies what is left of the log, so that it begins anew. The checkpoints elsewhere did most of it.
// The file is cut only where its room is wanted: to let it grow again costs more than to write over
// it.
bool Writer::empty_log() {
  constexpr int kBusyMillis = 200;
  const int how = reserve_.held() ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_TRUNCATE;
  sqlite3_busy_timeout(db_.raw(), kBusyMillis);
  const int code = sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, how, nullptr, nullptr);
  sqlite3_busy_timeout(db_.raw(), Connection::kBusyMillisMax);
  if (code == SQLITE_OK) log_pages_ = 0;
  return code == SQLITE_OK;
}

}  // namespace balcony::storage
