// One process at a time works on a data folder: balconyd, or balconyctl while no server runs. The
// lock ends with the process, however it ends.
#pragma once

#include "net/file_descriptor.h"

#include <balcony/result.h>

#include <string>

namespace balcony::server {

class DataLock {
 public:
  // Makes the folder when it is not there, and takes its lock (DATA/lock) without waiting.
  // Errors: kConflict when another process has it; kIo.
  static Result<DataLock> take(const std::string& data);

 private:
  explicit DataLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace balcony::server
