#include "gateway/mail/attachment_store.h"

#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace balcony::gateway::mail {
namespace {

constexpr std::size_t kSavedNameMax = 80;
constexpr std::size_t kSavedTokenBytes = 9;

std::string safe_name(std::string_view name) {
  std::string safe;
  for (const char c : name.substr(0, kSavedNameMax)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    safe += plain ? c : '_';
  }
  return safe.empty() ? "attachment" : safe;
}

Error cannot_save(const std::string& path) {
  const int error = errno;
  log_error("attachment cannot be saved", {{"file", path}, {"error", std::strerror(error)}});
  return Error(error == ENOSPC || error == EDQUOT ? Errc::kResourceConstraint : Errc::kIo,
               "the attachment cannot be saved");
}

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(file) == 0;
}

}  // namespace

Result<AttachmentStore> AttachmentStore::open(std::string folder, std::uint64_t bytes_max,
                                              Random& random) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Errc::kIo,
                "attachments_folder: cannot make " + folder + ": " + std::strerror(errno));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail(Errc::kIo,
                "attachments_folder: cannot write into " + folder + ": " + std::strerror(errno));
  }
  return AttachmentStore(std::move(folder), bytes_max, random);
}

// Each time: the operator takes files away when he likes.
std::uint64_t AttachmentStore::count() const {
  std::uint64_t bytes = 0;
  std::error_code error;
  std::filesystem::directory_iterator files(folder_, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    std::error_code gone;
    const std::uint64_t size = files->is_regular_file(gone) ? files->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

Result<std::string> AttachmentStore::save(std::string_view name, std::string_view content) {
  if (content.size() > bytes_max_ || count() > bytes_max_ - content.size()) {
    log_warning("attachment cannot be saved", {{"folder", folder_}, {"error", "it is full"}});
    return fail(Errc::kResourceConstraint, "there is no room for attachments");
  }
  std::string saved = random_->token(kSavedTokenBytes) + '-' + safe_name(name);
  const std::string path = folder_ + '/' + saved;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return fail(cannot_save(path));
  if (!write_all(file, content)) {
    Error why = cannot_save(path);
    ::close(file);
    remove(saved);
    return fail(std::move(why));
  }
  ::close(file);
  return saved;
}

void AttachmentStore::remove(const std::string& saved) {
  ::unlink((folder_ + '/' + saved).c_str());
}

}  // namespace balcony::gateway::mail
