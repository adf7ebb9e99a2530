#include "net/connector.h"

#include "net/reactor.h"
#include "net/shard.h"

#include "base/assert.h"
#include "base/random.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace balcony {
namespace {

// RFC 8305 §8: recommended value of the Connection Attempt Delay.
constexpr std::chrono::milliseconds kAttemptDelay{250};

class Race;

// One connect(2) under way.
class Attempt final : public Watcher {
 public:
  Attempt(Race& race, std::size_t index) : race_(race), index_(index) {}
  ~Attempt() override;

  // Returns whether it goes on; the error is reported otherwise.
  bool start(Shard& shard, const SocketAddress& address, std::string& why);
  // The connected socket, watched no longer.
  FileDescriptor take();

 private:
  void on_events(std::uint32_t events) override;
  void on_shutdown() override;

  Race& race_;
  const std::size_t index_;
  Shard* shard_ = nullptr;
  FileDescriptor fd_;
};

// All attempts of one connect_any(). Lives in its frame.
class Race {
 public:
  struct Winner {
    FileDescriptor fd;
    std::size_t index = 0;
  };

  Race(Shard& shard, const std::vector<Endpoint>& endpoints)
      : shard_(shard), endpoints_(endpoints), attempts_(endpoints.size()) {}
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;
  ~Race() {
    shard_.cancel(next_timer_);
    shard_.cancel(deadline_timer_);
  }

  OneShot<Result<Winner>>& run(std::chrono::milliseconds within) {
    deadline_timer_ = shard_.after(within, [this] {
      deadline_timer_ = 0;
      done_.set(fail(Errc::kTimeout, "no connection in time" + reason()));
    });
    try_next();
    return done_;
  }

  // These may end the life of the race: nothing of it is used after them.
  void won(std::size_t index) {
    Winner winner;
    winner.fd = attempts_[index]->take();
    winner.index = index;
    done_.set(std::move(winner));
  }
  void lost(std::size_t index, std::string why) {
    remember(index, std::move(why));
    attempts_[index].reset();
    --running_;
    try_next();
  }
  void cancelled() { done_.set(fail(Errc::kCancelled, "the event loop ends")); }

 private:
  void remember(std::size_t index, std::string why) {
    last_reason_ = endpoints_[index].address.to_string() + ": " + std::move(why);
  }
  std::string reason() const { return last_reason_.empty() ? "" : " (" + last_reason_ + ")"; }

  void try_next() {
    shard_.cancel(std::exchange(next_timer_, 0));
    while (next_ < endpoints_.size()) {
      const std::size_t index = next_++;
      attempts_[index] = std::make_unique<Attempt>(*this, index);
      std::string why;
      if (attempts_[index]->start(shard_, endpoints_[index].address, why)) {
        ++running_;
        if (next_ < endpoints_.size()) {
          next_timer_ = shard_.after(kAttemptDelay, [this] {
            next_timer_ = 0;
            try_next();
          });
        }
        return;
      }
      attempts_[index].reset();
      remember(index, std::move(why));
    }
    if (running_ == 0) done_.set(fail(Errc::kConnect, "no connection could be made" + reason()));
  }

  Shard& shard_;
  const std::vector<Endpoint>& endpoints_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  TimerId next_timer_ = 0;
  TimerId deadline_timer_ = 0;
  std::string last_reason_;
  OneShot<Result<Winner>> done_;
};

Attempt::~Attempt() {
  if (fd_.is_open() && shard_ != nullptr) shard_->reactor().remove(*this, fd_.get());
}

bool Attempt::start(Shard& shard, const SocketAddress& address, std::string& why) {
  fd_ = FileDescriptor(::socket(address.is_v6() ? AF_INET6 : AF_INET,
                                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = address.to_system(storage);
  const bool begun =
      fd_.is_open() &&
      (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 ||
       errno == EINPROGRESS);
  if (begun) {
    shard_ = &shard;
    if (shard.reactor().add(*this, fd_.get(), EPOLLOUT | EPOLLET)) return true;
  }
  why = std::strerror(errno);
  return false;
}

FileDescriptor Attempt::take() {
  shard_->reactor().remove(*this, fd_.get());
  return std::move(fd_);
}

void Attempt::on_events(std::uint32_t) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) {
    race_.won(index_);
  } else {
    race_.lost(index_, std::strerror(error));
  }
}

void Attempt::on_shutdown() {
  race_.cancelled();
}

std::string service_name(Service service, bool direct_tls, const std::string& domain) {
  const bool is_client = service == Service::kXmppClient;
  const std::string label = direct_tls ? (is_client ? "_xmpps-client" : "_xmpps-server")
                                       : (is_client ? "_xmpp-client" : "_xmpp-server");
  return label + "._tcp." + domain;
}

// The records of both kinds; empty when there are none.
Task<Result<std::vector<SrvRecord>>> service_records(Resolver& resolver, std::string domain,
                                                     Service service) {
  std::vector<SrvRecord> all;
  bool is_refused = false;
  for (const bool direct_tls : {false, true}) {
    auto answer = co_await resolver.srv(service_name(service, direct_tls, domain));
    if (!answer) {
      if (answer.error().code == Errc::kNotFound) continue;
      co_return fail(answer.error());
    }
    for (SrvRecord& record : answer->records) {
      record.direct_tls = direct_tls;
      record.secure = answer->secure;
      // RFC 2782, "Target": a single dot means that the service is decidedly not there.
      if (record.target.empty()) {
        is_refused = true;
      } else {
        all.push_back(std::move(record));
      }
    }
  }
  if (all.empty() && is_refused) {
    co_return fail(Errc::kNotFound, domain + " says in DNS that it does not offer this service");
  }
  co_return all;
}

}  // namespace

Task<Result<std::vector<Endpoint>>> find_service(Resolver& resolver, std::string domain,
                                                 Service service) {
  constexpr std::size_t kTargetsMax = 10;
  std::vector<SrvRecord> records;
  const bool is_address = SocketAddress::parse(domain, 0).has_value();
  if (!is_address) {
    BALCONY_CO_ASSIGN(records, co_await service_records(resolver, domain, service));
  }
  if (records.empty()) {
    SrvRecord itself;
    itself.target = domain;
    itself.port = service == Service::kXmppClient ? 5222 : 5269;
    records.push_back(std::move(itself));
  }
  records = order_srv(std::move(records), system_random());
  if (records.size() > kTargetsMax) records.resize(kTargetsMax);
  std::vector<Endpoint> endpoints;
  Error last(Errc::kNotFound, domain + " is not in DNS");
  for (const SrvRecord& record : records) {
    auto found = co_await resolver.addresses(record.target, record.port);
    if (!found) {
      last = found.error();
      continue;
    }
    for (const SocketAddress& address : *found) {
      endpoints.emplace_back(address, record.target, record.direct_tls).secure = record.secure;
    }
  }
  if (endpoints.empty()) co_return fail(last);
  co_return endpoints;
}

Task<Result<Connected>> connect_any(Shard& shard, std::vector<Endpoint> endpoints,
                                    std::chrono::milliseconds within, ConnectionOptions options) {
  BALCONY_ASSERT(shard.is_current(), "a connection is made on another thread");
  Race race(shard, endpoints);
  auto& done = race.run(within);
  BALCONY_CO_ASSIGN(Race::Winner winner, co_await done);
  Connected connected;
  connected.endpoint = endpoints[winner.index];
  connected.connection =
      Connection::open(shard, std::move(winner.fd), connected.endpoint.address, options);
  co_return connected;
}

}  // namespace balcony
