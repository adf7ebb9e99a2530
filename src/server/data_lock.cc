#include "server/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace balcony::server {

Result<DataLock> DataLock::take(const std::string& data) {
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error) {
    return fail(Errc::kIo, "cannot make the data folder " + data + ": " + error.message() +
                               ". Set `data` to a folder that this user may write to.");
  }
  const std::string path = data + "/lock";
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) {
    return fail(Errc::kIo, "cannot open " + path + ": " + std::strerror(errno) +
                               ". Set `data` to a folder that this user may write to.");
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fail(Errc::kIo, "cannot lock " + path + ": " + std::strerror(errno));
    }
    return fail(Errc::kConflict, "another process works on the data folder " + data);
  }
  return DataLock(std::move(fd));
}

}  // namespace balcony::server
