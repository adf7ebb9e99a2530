#include "net/file_descriptor.h"

#include <unistd.h>

namespace balcony {

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace balcony
