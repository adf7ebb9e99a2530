#include "storage/sqlite/reserve.h"

#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace balcony::storage {

bool is_no_room(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EROFS || error == EACCES;
}

namespace {

// Returns 0 or an errno.
int reserve_room(const std::string& path, std::uint64_t bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return errno;
  // Half as much again must be free besides: a reserve that took the last room would be the reason
  // why the next commit fails.
  int failed = ::posix_fallocate(file, 0, static_cast<off_t>(bytes + bytes / 2));
  if (failed == 0 && ::ftruncate(file, static_cast<off_t>(bytes)) != 0) failed = errno;
  ::close(file);
  if (failed != 0) ::unlink(path.c_str());
  return failed;
}

}  // namespace

bool Reserve::create() {
  if (held_ || bytes_ == 0) return true;
  const int failed = reserve_room(path_, bytes_);
  held_ = failed == 0;
  if (held_) return true;
  if (is_no_room(failed)) return false;
  log_warning("no reserve on this file system", {{"path", path_}, {"why", std::strerror(failed)}});
  bytes_ = 0;
  return true;
}

bool Reserve::release() {
  if (!held_) return false;
  held_ = false;
  return ::unlink(path_.c_str()) == 0;
}

}  // namespace balcony::storage
