// A file that takes up room while all is well and gives it back when the disk is full, so that
// deleting and checkpointing, which need some room first, still work.
//
// Used by the writer. One thread.
#pragma once

#include <cstdint>
#include <string>

namespace balcony::storage {

// Whether this errno says that there is no room to write. EFBIG: the limit of the process
// (ulimit -f) is a full disk to it; and a disk that became read-only takes nothing either.
bool is_no_room(int error);

class Reserve {
 public:
  // `bytes` 0: no file, and create() always succeeds.
  Reserve(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

  // Makes the file, or finds it there. False when there is no room for it and some more. A file
  // system that cannot reserve room ends the reserve: from then on as with 0 bytes.
  bool create();
  // Removes the file. True when that gave room back.
  bool release();
  // The room is there, or none was wanted.
  bool held() const { return held_ || bytes_ == 0; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::string path_;
  std::uint64_t bytes_;
  bool held_ = false;
};

}  // namespace balcony::storage
