#include "storage/sqlite/reader_queue.h"

namespace balcony::storage {

Result<> ReaderQueue::run(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(Errc::kClosed, "the database is closed");
    ++running_;
  }
  const bool queued = pool_.try_post([this, job = std::move(work)]() mutable {
    job(reader_);
    // What the job holds goes before close() may return.
    job = nullptr;
    finished();
  });
  if (queued) return {};
  finished();
  return fail(Errc::kOverloaded, "too many reads wait for the disk");
}

void ReaderQueue::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  idle_.wait(lock, [this] { return running_ == 0; });
}

void ReaderQueue::finished() {
  const std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}

}  // namespace balcony::storage
