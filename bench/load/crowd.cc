#include "bench/load/crowd.h"

#include <algorithm>
#include <utility>

namespace balcony::bench {

// Logins that are under way.
struct Crowd::Under {
  std::size_t next = 0;
  std::size_t end = 0;
  std::size_t workers = 0;
  std::optional<Error> failure;
  OneShot<bool> done;
};

Result<> Crowd::set_up() {
  BALCONY_ASSIGN(settings_.server, SocketAddress::parse(options_.address, options_.port));
  settings_.tls = options_.tls;
  settings_.plain = options_.mechanism == "PLAIN";
  if (options_.tls) {
    TlsClientOptions tls;
    tls.verify = TlsVerify::kReport;
    BALCONY_ASSIGN(settings_.context, TlsClientContext::create(std::move(tls)));
  }
  far_ = settings_;
  BALCONY_ASSIGN(far_.server, SocketAddress::parse(options_.address, options_.far_port));
  BALCONY_ASSIGN(accounts_, accounts(options_, options_.sessions));
  return {};
}

Task<Result<>> Crowd::log_in(std::size_t first, std::size_t count) {
  if (count == 0) co_return {};
  const std::size_t offset = clients_.size();
  for (std::size_t i = first; i < first + count; ++i) {
    LoginSettings& settings = is_far(options_, i) ? far_ : settings_;
    clients_.push_back(
        std::make_unique<Client>(shard_, settings, accounts_[i].jid, accounts_[i].password));
  }
  Under way;
  way.next = offset;
  way.end = clients_.size();
  way.workers = std::min(options_.parallel, count);
  for (std::size_t i = way.workers; i > 0; --i) spawn(work(way));
  co_await way.done;
  if (way.failure) co_return fail(*way.failure);
  co_return {};
}

Task<> Crowd::work(Under& way) {
  while (way.next < way.end && !way.failure) {
    Client& client = *clients_[way.next++];
    auto done = co_await client.log_in();
    if (!done && !way.failure) way.failure = done.error();
    if (done && options_.presence) client.write("<presence/>");
  }
  if (--way.workers == 0) way.done.set(true);
}

Task<> Crowd::log_out() {
  for (const auto& client : clients_) co_await client->close();
  clients_.clear();
}

Task<> wait(Loop& loop, std::chrono::milliseconds time) {
  OneShot<bool> done;
  loop.after(time, [&done] { done.set(true); });
  co_await done;
}

}  // namespace balcony::bench
