// Carries questions to the reader's thread.
//
// run() from any thread; the work runs in a WorkerPool with one thread, which alone touches the
// Reader.
#pragma once

#include "storage/sqlite/reader.h"

#include "base/loop.h"

#include <condition_variable>
#include <mutex>

namespace balcony::storage {

class ReaderQueue {
 public:
  using Work = std::move_only_function<void(Reader&)>;

  ReaderQueue(Reader& reader, WorkerPool& pool) : reader_(reader), pool_(pool) {}

  // Errors: kOverloaded when the pool is full, kClosed after close(); then nothing is done.
  Result<> run(Work work);
  // Waits for what runs.
  void close();

 private:
  void finished();

  Reader& reader_;
  WorkerPool& pool_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace balcony::storage
