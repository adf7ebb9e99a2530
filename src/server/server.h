// The server as a whole: shards, storage, certificates, listeners; start, reload and stop.
//
// Used by balconyd (and by tests that want a server in their process). One thread, which is no
// shard, calls start(), reload() and stop(); the rest may be called from any thread.
#pragma once

#include "net/listener.h"
#include "server/shard_context.h"

#include <balcony/result.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace balcony::server {

class Server {
 public:
  Server();
  // Stops, if that was not done.
  ~Server();

  // Brings everything up: when it returns, clients can log in. A configuration without listeners
  // gives a server for commands only, without certificates and reload(). Errors: kConfig, kIo,
  // kDiskFull, … with a sentence that says what to do; nothing is left running then.
  Result<> start(std::shared_ptr<const Config> config);

  // Takes a new configuration: certificates, limits, modules, hosts, listeners. Sessions go on.
  // What cannot change while running (data, storage, shards) is refused by name. Errors: nothing
  // has changed.
  Result<> reload(std::shared_ptr<const Config> config);

  // Ends every stream with <system-shutdown/> (RFC 6120 §4.9.3.20), waits for them up to `within`,
  // makes storage durable.
  void stop(std::chrono::milliseconds within = std::chrono::seconds(5));

  // Runs `work` on a shard and waits for its value, from a thread that is no shard.
  template <class T>
  T call(std::size_t shard, std::function<Task<T>(ShardContext&)> work);

  // The listeners with the addresses that they are bound to, in the order of the configuration.
  struct Listening {
    ListenConfig config;
    std::unique_ptr<Listener> listener;
  };
  const std::vector<Listening>& listeners() const { return listeners_; }
  SharedContext& shared() { return shared_; }
  std::shared_ptr<const Config> config() const { return config_; }

 private:
  Result<> open_storage();
  // Whether no session and no work that a stanza began is left, as far as one look can tell.
  bool is_idle();
  // Sessions that may go on after the next start are written down (XEP-0198 §5).
  void save_sessions();
  void wait_until_idle(std::chrono::milliseconds within);
  void settle_sessions();
  // An offer for each host; those of hosts that were there before are kept.
  std::shared_ptr<const SharedContext::Offers> offers_of(const Config& config) const;
  Result<> load_secret();
  // Certificates for streams with other servers, and DNS.
  Result<> prepare_federation(const Config& config, TlsServerOptions tls);
  Listener::OnConnection handler_of(std::string_view kind);
  Result<> listen(std::vector<Listening>& into, const Config& config);
  void on_every_shard(const std::function<void(ShardContext&)>& work);
  std::size_t sessions();

  SharedContext shared_;
  std::shared_ptr<const Config> config_;
  std::unique_ptr<ThreadPool> hash_pool_;
  std::unique_ptr<ThreadPool> writer_;
  std::unique_ptr<ThreadPool> reader_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<TlsServerContext> tls_;
  std::unique_ptr<TlsServerContext> tls_s2s_;  // where it talks to other servers
  std::unique_ptr<Resolver> resolver_;         // the same
  std::unique_ptr<HttpsClient> https_;         // the same
  std::unique_ptr<ShardSet> shards_;
  std::vector<Listening> listeners_;
  bool running_ = false;
};

template <class T>
T Server::call(std::size_t shard, std::function<Task<T>(ShardContext&)> work) {
  ShardContext& there = *shared_.contexts[shard];
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> value = promise->get_future();
  there.shard.post([&there, promise, work = std::move(work)] {
    balcony::spawn([](ShardContext& at, std::shared_ptr<std::promise<T>> to,
                      std::function<Task<T>(ShardContext&)> job) -> Task<> {
      to->set_value(co_await job(at));
    }(there, promise, work));
  });
  return value.get();
}

}  // namespace balcony::server
