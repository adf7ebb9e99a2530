// The numbers behind Database::counts(), from any thread.
#pragma once

#include "storage/storage.h"

#include "base/log.h"

#include <atomic>

namespace balcony::storage {

struct Tally {
  std::atomic<std::uint64_t> batches{0}, rows{0}, groups{0}, failed{0}, corrupt{0};
  std::atomic<bool> disk_full{false};

  // Something stored cannot be read and is left out. The log is bounded: the same row may be asked
  // for again and again.
  void skip(std::string_view kind, std::string_view name) {
    constexpr std::uint64_t kLoggedMax = 100;
    if (corrupt.fetch_add(1) < kLoggedMax) {
      log_warning("unreadable data left out", {{"kind", kind}, {"name", name}});
    }
  }

  DatabaseCounts counts() const {
    return {batches.load(), rows.load(),    groups.load(),
            failed.load(),  corrupt.load(), disk_full.load()};
  }
};

}  // namespace balcony::storage
