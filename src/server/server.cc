#include "server/server.h"

#include "base/log.h"
#include "base/random.h"
#include "server/accounts.h"
#include "server/certificates.h"
#include "server/client_session.h"
#include "server/component_session.h"
#include "server/detached_session.h"
#include "server/hop.h"
#include "server/s2s/client_tls.h"
#include "server/s2s/federation.h"
#include "server/s2s/peer_stream.h"
#include "server/session_store.h"
#include "storage/storage.h"

#include <filesystem>
#include <latch>
#include <system_error>

namespace balcony::server {
namespace {

constexpr std::string_view kServerStore = "server";
constexpr std::string_view kFakeSecret = "fake-secret";

// The secret behind fake salts is made once and kept: it must not change while accounts exist.
Task<Result<std::string>> find_or_make_secret(ShardContext& at, std::string owner) {
  BALCONY_CO_ASSIGN(
      const std::optional<storage::Value> found,
      co_await at.store->get(owner, std::string(kServerStore), std::string(kFakeSecret)));
  if (found) co_return found->value;
  std::string made = system_random().token(32);
  storage::Batch batch;
  batch.add(owner, storage::op::Put{std::string(kServerStore), std::string(kFakeSecret), made});
  BALCONY_CO_CHECK(co_await at.store->write(std::move(batch)));
  co_return made;
}

constexpr std::chrono::milliseconds kStep{100};
// What cannot be written down (a full mailbox) holds up no stop.
constexpr std::chrono::milliseconds kSettleWithin{1'000};
// Documents that are fetched from others' web servers (POSH), of all shards.
constexpr std::size_t kHttpsThreads = 4;
constexpr std::size_t kHttpsQueueMax = 100;

Task<bool> wait_a_little(ShardContext& at) {
  co_await delay_for(at.shard, kStep);
  co_return true;
}

ConnectionOptions connection_options(const Config& config) {
  ConnectionOptions options;
  options.output_bytes_max = config.limits.output_queue.count;
  options.stalled_after = config.limits.stalled;
  options.read_bytes_per_second = static_cast<std::uint32_t>(config.limits.rate_before_auth.count);
  return options;
}

// What a reload cannot change, by name.
Result<> check_reload(const Config& from, const Config& to) {
  const auto refuse = [](std::string_view what) {
    return fail(Errc::kConfig,
                std::string(what) + " cannot change while the server runs: restart it");
  };
  if (from.data != to.data) return refuse("data");
  if (from.shards != to.shards) return refuse("shards");
  if (from.storage.backend != to.storage.backend) return refuse("storage.backend");
  if (from.storage.durability != to.storage.durability) return refuse("storage.durability");
  if (from.federates() && to.federates() && from.dns != to.dns) return refuse("dns");
  if (from.control_path() != to.control_path()) return refuse("control");
  if (from.control_group != to.control_group) return refuse("control_group");
  return {};
}

}  // namespace

Server::Server() = default;

Server::~Server() {
  stop();
}

Result<> Server::start(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  BALCONY_CHECK(open_storage());
  TlsServerOptions tls;
  // Without listeners (balconyctl while no server runs) nobody asks for a certificate.
  if (!config_->listen.empty()) {
    BALCONY_ASSIGN(tls, load_certificates(*config_));
    BALCONY_ASSIGN(tls_, TlsServerContext::create(tls));
  }
  hash_pool_ = std::make_unique<ThreadPool>(static_cast<std::size_t>(config_->auth.hash_threads),
                                            static_cast<std::size_t>(config_->auth.hash_queue));
  shards_ = std::make_unique<ShardSet>(static_cast<std::size_t>(config_->shards));
  shared_.shards = shards_.get();
  shared_.hash_pool = hash_pool_.get();
  shared_.database = database_.get();
  shared_.tls = tls_.get();
  shared_.started = shards_->at(0).clock().now();
  shared_.offers = offers_of(*config_);
  shared_.dialback_secret = system_random().token(32);
  if (config_->federates()) BALCONY_CHECK(prepare_federation(*config_, std::move(tls)));
  for (std::size_t i = 0; i < shards_->size(); ++i) {
    shared_.contexts.push_back(std::make_unique<ShardContext>(shared_, shards_->at(i)));
  }
  running_ = true;
  on_every_shard([this](ShardContext& context) { context.set_up(config_); });
  BALCONY_CHECK(load_secret());
  const auto restored = call<std::size_t>(0, [](ShardContext& at) { return restore_sessions(at); });
  if (restored > 0) log_info("sessions wait for their clients", {{"sessions", restored}});
  return listen(listeners_, *config_);
}

Result<> Server::open_storage() {
  if (config_->storage.backend == "memory") {
    database_ = storage::make_memory_database();
    return {};
  }
  std::error_code error;
  std::filesystem::create_directories(config_->data, error);
  if (error) {
    return fail(Errc::kIo, "cannot make the data folder " + config_->data + ": " + error.message() +
                               ". Set `data` to a folder that this user may write to.");
  }
  writer_ = std::make_unique<ThreadPool>(1, 1'000'000);
  reader_ = std::make_unique<ThreadPool>(1, 100'000);
  storage::SqliteOptions options;
  options.path = config_->data + "/balcony.sqlite";
  options.durability = config_->storage.durability == "disk" ? storage::Durability::kDisk
                                                             : storage::Durability::kProcess;
  BALCONY_ASSIGN(database_, storage::open_sqlite_database(options, *writer_, *reader_));
  return {};
}

std::shared_ptr<const SharedContext::Offers> Server::offers_of(const Config& config) const {
  auto offers = std::make_shared<SharedContext::Offers>();
  for (const HostConfig& host : config.hosts) {
    auto offer = std::make_shared<SharedContext::HashOffer>();
    if (shared_.offers) {
      const auto old = shared_.offers->find(host.domain);
      if (old != shared_.offers->end()) offer = old->second;
    }
    offers->emplace(host.domain, std::move(offer));
  }
  return offers;
}

Result<> Server::load_secret() {
  const std::string owner = config_->hosts.front().domain;
  using Secret = Result<std::string>;
  BALCONY_ASSIGN(shared_.fake_secret, call<Secret>(0, [owner](ShardContext& at) -> Task<Secret> {
                   return find_or_make_secret(at, owner);
                 }));
  for (const HostConfig& host : config_->hosts) {
    call<bool>(0, [domain = host.domain](ShardContext& at) -> Task<bool> {
      return [](ShardContext& there, std::string name) -> Task<bool> {
        co_await there.accounts->refresh_offer(std::move(name));
        co_return true;
      }(at, domain);
    });
  }
  return {};
}

Result<> Server::prepare_federation(const Config& config, TlsServerOptions tls) {
  tls = for_servers(config, std::move(tls));
  BALCONY_ASSIGN(shared_.client_tls, s2s::ClientTls::create(config, tls.hosts));
  if (tls_s2s_) {
    BALCONY_CHECK(tls_s2s_->reload(std::move(tls)));
  } else {
    BALCONY_ASSIGN(tls_s2s_, TlsServerContext::create(std::move(tls)));
    shared_.tls_s2s = tls_s2s_.get();
  }
  if (resolver_) return {};
  ResolverOptions options;
  options.forward_to = config.dns.forward_to;
  options.resolv_conf = config.dns.resolv_conf;
  options.hosts_file = config.dns.hosts_file;
  options.trust_anchor_file = config.dns.trust_anchor_file;
  BALCONY_ASSIGN(resolver_, Resolver::create(shards_->at(0), std::move(options)));
  shared_.resolver = resolver_.get();
  https_ = std::make_unique<HttpsClient>(kHttpsThreads, kHttpsQueueMax);
  shared_.https = https_.get();
  return {};
}

Listener::OnConnection Server::handler_of(std::string_view kind) {
  const auto context_of = [this](const Connection& connection) -> ShardContext& {
    return *shared_.contexts[connection.shard().index()];
  };
  if (kind == kComponentListener) {
    return [context_of](ConnectionPtr connection) {
      ShardContext& context = context_of(*connection);
      ComponentSession::start(context, std::move(connection));
    };
  }
  if (kind == kServerListener || kind == kServerTlsListener) {
    return [context_of, direct = kind == kServerTlsListener](ConnectionPtr connection) {
      ShardContext& context = context_of(*connection);
      context.federation->accept(std::move(connection), direct);
    };
  }
  return [context_of, direct = kind == "c2s-tls"](ConnectionPtr connection) {
    ShardContext& context = context_of(*connection);
    ++context.streams_opened;
    ClientSession::start(context, std::move(connection), direct);
  };
}

Result<> Server::listen(std::vector<Listening>& into, const Config& config) {
  for (const ListenConfig& wanted : config.listen) {
    ListenerOptions options;
    options.address = wanted.address;
    options.port = static_cast<std::uint16_t>(wanted.port);
    const bool for_servers = wanted.kind == kServerListener || wanted.kind == kServerTlsListener;
    if (for_servers && !config.federates()) continue;
    options.connections_per_address_max =
        static_cast<std::size_t>(for_servers ? config.s2s.unverified_per_address
                                             : config.limits.unauthenticated_per_address);
    options.accepts_per_second_max = static_cast<std::size_t>(config.limits.accepts_per_second);
    options.connection = connection_options(config);
    if (for_servers || wanted.kind == kComponentListener) {
      options.connection.keep_alive = config.limits.keep_alive;
    }
    auto listener = Listener::listen(*shards_, std::move(options), handler_of(wanted.kind));
    if (!listener) return fail(listener.error());
    log_info("listening", {{"kind", wanted.kind}, {"address", (*listener)->address().to_string()}});
    into.push_back({wanted, *std::move(listener)});
  }
  return {};
}

Result<> Server::reload(std::shared_ptr<const Config> config) {
  BALCONY_CHECK(check_reload(*config_, *config));
  BALCONY_ASSIGN(TlsServerOptions tls, load_certificates(*config));
  // Listeners that stay keep their sockets; new ones must open before anything else changes.
  std::vector<Listening> kept;
  Config fresh = *config;
  for (Listening& old : listeners_) {
    const auto same = std::ranges::find(fresh.listen, old.config);
    if (same == fresh.listen.end()) continue;
    fresh.listen.erase(same);
    kept.push_back(std::move(old));
  }
  std::vector<Listening> opened;
  if (auto listening = listen(opened, fresh); !listening) {
    std::ranges::move(kept, std::back_inserter(opened));
    std::erase_if(listeners_, [](const Listening& l) { return !l.listener; });
    std::ranges::move(opened, std::back_inserter(listeners_));
    return listening;
  }
  if (config->federates()) BALCONY_CHECK(prepare_federation(*config, tls));
  if (auto reloaded = tls_->reload(std::move(tls)); !reloaded) return reloaded;
  std::ranges::move(opened, std::back_inserter(kept));
  listeners_ = std::move(kept);
  config_ = std::move(config);
  shared_.offers = offers_of(*config_);
  on_every_shard([this](ShardContext& context) { context.reload(config_); });
  return load_secret();
}

void Server::on_every_shard(const std::function<void(ShardContext&)>& work) {
  std::latch done(static_cast<std::ptrdiff_t>(shared_.contexts.size()));
  for (auto& context : shared_.contexts) {
    context->shard.post([&work, &done, at = context.get()] {
      work(*at);
      done.count_down();
    });
  }
  done.wait();
}

std::size_t Server::sessions() {
  std::atomic<std::size_t> total = 0;
  on_every_shard([&total](ShardContext& context) { total += context.sessions.size(); });
  return total;
}

bool Server::is_idle() {
  std::atomic<std::size_t> busy = 0;
  on_every_shard([&busy](ShardContext& at) {
    busy += at.sessions.size() + at.components.size() + at.federation->streams.size() +
            at.federation->dialing + at.federation->certificates().running() + at.router->running();
  });
  return busy == 0;
}

// A stanza that somebody sent before the end still goes where it belongs: to another shard, to a
// user who is being loaded, into the offline store. Each such step shows in two looks at the
// latest.
void Server::wait_until_idle(std::chrono::milliseconds within) {
  int idle = 0;
  for (auto waited = std::chrono::milliseconds(0); waited < within && idle < 3;) {
    if (is_idle()) {
      ++idle;
      continue;
    }
    idle = 0;
    call<bool>(0, [](ShardContext& at) { return wait_a_little(at); });
    waited += kStep;
  }
}

// What one client did not acknowledge is written down, so that another, who sent it, need not send
// it again after the start (docs/decisions/0014). Both sessions are saved then.
void Server::settle_sessions() {
  on_every_shard([](ShardContext& context) {
    for (DetachedSession* session : context.detached) session->managed().keep_all();
  });
  for (auto waited = std::chrono::milliseconds(0); waited < kSettleWithin; waited += kStep) {
    std::atomic<std::size_t> open = 0;
    on_every_shard([&open](ShardContext& context) {
      open += static_cast<std::size_t>(std::ranges::count_if(
          context.detached, [](DetachedSession* one) { return !one->managed().is_settled(); }));
    });
    if (open == 0) return;
    call<bool>(0, [](ShardContext& at) { return wait_a_little(at); });
  }
}

void Server::save_sessions() {
  on_every_shard([](ShardContext& context) {
    for (DetachedSession* session : context.detached) session->save();
  });
}

void Server::stop(std::chrono::milliseconds within) {
  if (!std::exchange(running_, false)) return;
  shared_.stopping = true;
  listeners_.clear();
  on_every_shard([](ShardContext& context) {
    const std::vector<ClientSession*> sessions(context.sessions.begin(), context.sessions.end());
    for (ClientSession* session : sessions) session->end({StreamCondition::kSystemShutdown, ""});
    const std::vector<ComponentSession*> components(context.components.begin(),
                                                    context.components.end());
    for (ComponentSession* component : components) component->stop();
    context.federation->stop();
  });
  if (resolver_) resolver_->stop();
  if (https_) https_->stop();
  wait_until_idle(within);
  settle_sessions();
  save_sessions();
  database_->close();
  shards_->stop();
  resolver_.reset();
  https_.reset();
  hash_pool_.reset();  // what it still does posts to shards that must exist
  shared_.contexts.clear();
  log_info("stopped");
}

}  // namespace balcony::server
