#include "net/unix_socket.h"

#include "net/reactor.h"

#include <grp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace balcony {
namespace {

Error path_error(Errc code, const std::string& step, const std::string& path) {
  return Error(code, "cannot " + std::string(step) + " " + path + ": " + std::strerror(errno));
}

Result<sockaddr_un> to_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::kIo, "the path " + path + " is too long for a socket (107 bytes at most)");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

FileDescriptor make_socket(int flags) {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

// Opens the file to nobody else, or to the group too.
Result<> restrict_access(const std::string& path, const std::string& group) {
  // First of all; where the group cannot be set, the file stays as it is now.
  if (::chmod(path.c_str(), 0600) != 0) return fail(path_error(Errc::kIo, "protect", path));
  if (group.empty()) return {};
  std::array<char, 65'536> room;
  struct group entry{};
  struct group* found = nullptr;
  if (::getgrnam_r(group.c_str(), &entry, room.data(), room.size(), &found) != 0 || !found) {
    return fail(Errc::kNotFound, "there is no group " + group + " for " + path);
  }
  if (::chown(path.c_str(), static_cast<uid_t>(-1), entry.gr_gid) != 0 ||
      ::chmod(path.c_str(), 0660) != 0) {
    return fail(path_error(Errc::kIo, "let the group " + group + " use", path));
  }
  return {};
}

Result<FileDescriptor> listen_at(const std::string& path, const std::string& group) {
  constexpr int kBacklog = 16;
  BALCONY_ASSIGN(const sockaddr_un address, to_address(path));
  FileDescriptor fd = make_socket(SOCK_NONBLOCK);
  if (!fd.is_open()) return fail(path_error(Errc::kIo, "make a socket for", path));
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) {
      return fail(Errc::kIo,
                  "cannot listen at " + path + ": something that is no socket lies there");
    }
    ::unlink(path.c_str());
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(path_error(Errc::kIo, "bind to", path));
  }
  // Before listen(2) nobody can connect yet.
  if (auto restricted = restrict_access(path, group); !restricted) {
    ::unlink(path.c_str());
    return fail(restricted.error());
  }
  if (::listen(fd.get(), kBacklog) != 0) return fail(path_error(Errc::kIo, "listen at", path));
  return fd;
}

}  // namespace

// Lives on one shard; the UnixListener and what it has posted hold it.
class UnixListener::Acceptor final : public Watcher {
 public:
  Acceptor(Shard& shard, FileDescriptor fd, OnConnection on_connection)
      : shard_(shard), fd_(std::move(fd)), on_connection_(std::move(on_connection)) {}

  Shard& shard() { return shard_; }
  void begin() { (void)shard_.reactor().add(*this, fd_.get(), EPOLLIN); }
  void stop() {
    if (fd_.is_open()) shard_.reactor().remove(*this, fd_.get());
    fd_.reset();
  }

 private:
  void on_events(std::uint32_t) override {
    FileDescriptor fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.is_open()) on_connection_(Connection::open(shard_, std::move(fd), {}));
  }
  void on_shutdown() override { stop(); }

  Shard& shard_;
  FileDescriptor fd_;
  const OnConnection on_connection_;
};

UnixListener::UnixListener(std::shared_ptr<Acceptor> acceptor, std::string path)
    : acceptor_(std::move(acceptor)), path_(std::move(path)) {}

Result<std::unique_ptr<UnixListener>> UnixListener::listen(Shard& shard, const std::string& path,
                                                           const std::string& group,
                                                           OnConnection on_connection) {
  BALCONY_ASSIGN(FileDescriptor fd, listen_at(path, group));
  auto acceptor = std::make_shared<Acceptor>(shard, std::move(fd), std::move(on_connection));
  shard.post([acceptor] { acceptor->begin(); });
  return std::unique_ptr<UnixListener>(new UnixListener(std::move(acceptor), path));
}

UnixListener::~UnixListener() {
  ::unlink(path_.c_str());
  Shard& shard = acceptor_->shard();
  shard.post([acceptor = std::move(acceptor_)] { acceptor->stop(); });
}

Result<UnixClient> UnixClient::connect(const std::string& path) {
  BALCONY_ASSIGN(const sockaddr_un address, to_address(path));
  FileDescriptor fd = make_socket(0);
  if (!fd.is_open()) return fail(path_error(Errc::kConnect, "make a socket for", path));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(path_error(Errc::kConnect, "reach the server at", path));
  }
  return UnixClient(std::move(fd));
}

Result<> UnixClient::send_line(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::kClosed, "the server has ended the connection");
    sent += static_cast<std::size_t>(n);
  }
  return {};
}

Result<std::string> UnixClient::read_line() {
  for (std::size_t searched = 0;;) {
    const std::size_t end = read_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    searched = read_.size();
    std::array<char, 65'536> bytes;
    const auto n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::kClosed, "the server has ended the connection");
    read_.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace balcony
