#include "net/listener.h"

#include "net/address_counts.h"
#include "net/reactor.h"

#include "base/assert.h"
#include "base/log.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace balcony {
namespace {

constexpr int kAcceptsPerTurnMax = 64;
constexpr std::chrono::milliseconds kRest{200};

FileDescriptor open_reserve() {
  return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

struct Pending {
  FileDescriptor fd;
  SocketAddress peer;
  std::unique_ptr<AddressSlot> slot;
};

Error bind_error(const SocketAddress& address, const char* step) {
  return Error(Errc::kIo, "cannot " + std::string(step) + " " + address.to_string() + ": " +
                              std::strerror(errno));
}

Result<FileDescriptor> bind_and_listen(const SocketAddress& address, bool dual, int backlog) {
  FileDescriptor fd(::socket(address.is_v6() ? AF_INET6 : AF_INET,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return fail(bind_error(address, "make a socket for"));
  const int on = 1;
  const int v6_only = dual ? 0 : 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_v6()) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  }
  sockaddr_storage storage{};
  const socklen_t size = address.to_system(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail(bind_error(address, "bind to"));
  }
  if (::listen(fd.get(), backlog) != 0) return fail(bind_error(address, "listen on"));
  return fd;
}

Result<FileDescriptor> open_listening(const ListenerOptions& options) {
  if (!options.address.empty()) {
    BALCONY_ASSIGN(const SocketAddress address,
                   SocketAddress::parse(options.address, options.port));
    return bind_and_listen(address, false, options.backlog);
  }
  BALCONY_ASSIGN(const SocketAddress all_v6, SocketAddress::parse("::", options.port));
  auto both = bind_and_listen(all_v6, true, options.backlog);
  if (both || errno == EADDRINUSE || errno == EACCES) return both;
  BALCONY_ASSIGN(const SocketAddress all_v4, SocketAddress::parse("0.0.0.0", options.port));
  return bind_and_listen(all_v4, false, options.backlog);  // a system without IPv6
}

}  // namespace

// Lives on one shard; the Listener and what it has posted hold it.
class Listener::Acceptor final : public Watcher, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(ShardSet& shards, ListenerOptions options, OnConnection on_connection, FileDescriptor fd)
      : shards_(shards),
        shard_(shards.at(options.acceptor_shard % shards.size())),
        options_(std::move(options)),
        on_connection_(std::move(on_connection)),
        fd_(std::move(fd)),
        reserve_(open_reserve()),
        counts_(std::make_shared<AddressCounts>(options_.connections_per_address_max)),
        batches_(shards.size()) {}

  Shard& shard() { return shard_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t refused() const { return refused_; }
  // From any thread: connects are refused from now on.
  void stop_listening() {
    stopped_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);
  }

  void resume();
  void stop();

 private:
  void on_events(std::uint32_t events) override;
  void on_shutdown() override { stop(); }
  bool accept_one();
  bool take_accept_token();
  void take(FileDescriptor fd, const SocketAddress& peer);
  void out_of_descriptors(int error);
  void rest(std::chrono::milliseconds how_long);
  void deal_out();

  ShardSet& shards_;
  Shard& shard_;
  const ListenerOptions options_;
  const OnConnection on_connection_;
  FileDescriptor fd_;
  FileDescriptor reserve_;
  std::shared_ptr<AddressCounts> counts_;
  std::vector<std::vector<Pending>> batches_;  // one for each shard
  std::size_t next_shard_ = 0;
  std::size_t accept_tokens_ = 0;
  Instant accept_tokens_at_{};
  bool starved_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<std::uint64_t> accepted_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
};

void Listener::Acceptor::resume() {
  if (stopped_ || !fd_.is_open()) return;
  // Level-triggered: what one turn leaves is seen in the next.
  if (!shard_.reactor().add(*this, fd_.get(), EPOLLIN)) rest(kRest);
}

void Listener::Acceptor::stop() {
  stopped_ = true;
  if (fd_.is_open()) shard_.reactor().remove(*this, fd_.get());
  fd_.reset();
}

void Listener::Acceptor::rest(std::chrono::milliseconds how_long) {
  shard_.reactor().remove(*this, fd_.get());
  shard_.after(how_long, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->resume();
  });
}

void Listener::Acceptor::on_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurnMax && !stopped_; ++i) {
    if (!take_accept_token()) {
      rest(std::chrono::milliseconds(100));
      break;
    }
    if (!accept_one()) break;
  }
  deal_out();
}

// Returns whether there may be more.
bool Listener::Acceptor::accept_one() {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  FileDescriptor fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.is_open()) {
    if (starved_) log_info("accepting again", {{"address", options_.address}});
    starved_ = false;
    take(std::move(fd), SocketAddress::from_system(reinterpret_cast<const sockaddr&>(storage)));
    return true;
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: out_of_descriptors(errno); return false;
    case EINVAL:  // no longer listening
    case EAGAIN: return false;
    default: return true;  // accept(2): errors of the new connection are not ours
  }
}

void Listener::Acceptor::take(FileDescriptor fd, const SocketAddress& peer) {
  Pending pending;
  if (options_.connections_per_address_max != 0) {
    pending.slot = counts_->enter(peer);
    if (!pending.slot) {
      ++refused_;
      return;
    }
  }
  pending.fd = std::move(fd);
  pending.peer = peer;
  ++accepted_;
  batches_[next_shard_].push_back(std::move(pending));
  next_shard_ = (next_shard_ + 1) % batches_.size();
}

void Listener::Acceptor::out_of_descriptors(int error) {
  if (!std::exchange(starved_, true)) {
    log_error("cannot accept connections",
              {{"address", options_.address}, {"reason", std::strerror(error)}});
  }
  // Those who wait are told at once instead of hanging in the backlog.
  for (int i = 0; i < kAcceptsPerTurnMax && reserve_.is_open(); ++i) {
    reserve_.reset();
    FileDescriptor dropped(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const bool any = dropped.is_open();
    if (any) ++refused_;
    dropped.reset();
    reserve_ = open_reserve();
    if (!any) break;
  }
  if (!reserve_.is_open()) reserve_ = open_reserve();
  rest(kRest);
}

bool Listener::Acceptor::take_accept_token() {
  const std::size_t rate = options_.accepts_per_second_max;
  if (rate == 0) return true;
  const Instant now = shard_.clock().now();
  const auto passed = std::min(now - accept_tokens_at_, Instant::duration(std::chrono::seconds(1)));
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
  const std::size_t earned = static_cast<std::size_t>(micros) * rate / 1'000'000;
  if (earned > 0) {
    accept_tokens_ = std::min(accept_tokens_ + earned, rate);
    accept_tokens_at_ = now;
  }
  if (accept_tokens_ == 0) return false;
  --accept_tokens_;
  return true;
}

void Listener::Acceptor::deal_out() {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (batches_[i].empty()) continue;
    Shard& target = shards_.at(i);
    target.post(
        [self = shared_from_this(), &target, batch = std::exchange(batches_[i], {})]() mutable {
          for (Pending& pending : batch) {
            auto connection = Connection::open(target, std::move(pending.fd), pending.peer,
                                               self->options_.connection);
            connection->set_address_slot(std::move(pending.slot));
            self->on_connection_(std::move(connection));
          }
        });
  }
}

Listener::Listener(std::shared_ptr<Acceptor> acceptor, SocketAddress address)
    : acceptor_(std::move(acceptor)), address_(address) {}

Result<std::unique_ptr<Listener>> Listener::listen(ShardSet& shards, ListenerOptions options,
                                                   OnConnection on_connection) {
  BALCONY_ASSIGN(FileDescriptor fd, open_listening(options));
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return fail(Errc::kIo, std::strerror(errno));
  }
  const auto address = SocketAddress::from_system(reinterpret_cast<const sockaddr&>(storage));
  if (options.address.empty()) options.address = address.to_string();
  auto acceptor = std::make_shared<Acceptor>(shards, std::move(options), std::move(on_connection),
                                             std::move(fd));
  acceptor->shard().post([acceptor] { acceptor->resume(); });
  return std::unique_ptr<Listener>(new Listener(std::move(acceptor), address));
}

Listener::~Listener() {
  acceptor_->stop_listening();
  Shard& shard = acceptor_->shard();
  shard.post([acceptor = std::move(acceptor_)] { acceptor->stop(); });
}

std::uint64_t Listener::accepted() const noexcept {
  return acceptor_->accepted();
}

std::uint64_t Listener::refused() const noexcept {
  return acceptor_->refused();
}

}  // namespace balcony
