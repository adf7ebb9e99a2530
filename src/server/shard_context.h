// Everything of the server that lives on one shard, and what all shards share.
#pragma once

#include "net/https_client.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/thread_pool.h"
#include "net/tls_context.h"
#include "router/registration_limit.h"
#include "router/router.h"
#include "sasl/crypto.h"
#include "server/config.h"
#include "server/login_throttle.h"
#include "storage/storage.h"

#include <array>
#include <atomic>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace balcony::server {

namespace s2s {
class ClientTls;
class Federation;
}  // namespace s2s

class AccountService;
class ClientPolicy;
class ClientSession;
class ComponentSession;
class DetachedSession;
class LoginTokens;
class Resumable;
struct ShardContext;

// What all shards read. Set up before the first connection; `config` on each shard is replaced
// there.
struct SharedContext {
  ShardSet* shards = nullptr;
  ThreadPool* hash_pool = nullptr;
  storage::Database* database = nullptr;
  TlsServerContext* tls = nullptr;
  // Other servers; null where this one talks to none.
  TlsServerContext* tls_s2s = nullptr;
  Resolver* resolver = nullptr;
  HttpsClient* https = nullptr;
  std::shared_ptr<const s2s::ClientTls> client_tls;     // shards read their own copy
  std::string dialback_secret;                          // drawn at the start
  std::vector<std::unique_ptr<ShardContext>> contexts;  // by index of the shard
  Instant started{};
  // For fake_keys(): stays the same over restarts (kept in storage).
  std::string fake_secret;
  // Which SCRAM hashes each host offers, one bit each by sasl::ScramHash (decision 0009), and the
  // least iterations that an account has for each. Written by the account service, read by every
  // stream.
  struct HashOffer {
    std::atomic<unsigned> bits{0};
    std::array<std::atomic<std::uint32_t>, std::size(sasl::kScramHashes)> iterations_min{};
  };
  using Offers = std::unordered_map<std::string, std::shared_ptr<HashOffer>>;
  std::shared_ptr<const Offers> offers;  // by domain; shards read their own copy of the pointer
  std::atomic<bool> stopping{false};
};

struct ShardContext {
  ShardContext(SharedContext& shared_, Shard& shard_);
  ~ShardContext();

  // Opens the store and sets up the hosts; on the shard's thread, before anything else.
  void set_up(std::shared_ptr<const Config> given);
  // Takes a new configuration over; on the shard's thread. Nobody is dropped but users of hosts
  // that are gone.
  void reload(std::shared_ptr<const Config> given);

  SharedContext& shared;
  Shard& shard;
  std::shared_ptr<const Config> config;
  std::shared_ptr<const SharedContext::Offers> offers;  // of the hosts of `config`
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<AccountService> accounts;
  std::unique_ptr<LoginTokens> tokens;
  std::unique_ptr<router::ShardLink> link;
  std::unique_ptr<router::Router> router;
  std::unique_ptr<ClientPolicy> policy;
  std::shared_ptr<const s2s::ClientTls> client_tls;
  std::unique_ptr<s2s::Federation> federation;
  std::unordered_set<ClientSession*> sessions;
  std::unordered_set<ComponentSession*> components;  // accepted ones are at their domain's home
  std::unordered_set<DetachedSession*> detached;
  // Sessions with stream management that can be resumed, connected or not, by their id.
  std::unordered_map<std::string, Resumable*> resumable;
  LoginThrottle by_address;  // failures of strangers who connected to this shard
  LoginThrottle by_component{{.free_failures = 0}};  // wrong secrets by the peer's address
  LoginThrottle by_account;                          // failures for accounts whose home this is
  std::uint64_t streams_opened = 0;         // connections that a listener gave to this shard
  router::RegistrationLimit registrations;  // from addresses whose home this is
};

router::RouterOptions router_options(const Config& config);
std::vector<router::ComponentSetup> component_setups(const Config& config);
// The hosts with their modules; needs config.hosts to be complete (config_reader.h).
std::vector<router::HostSetup> host_setups(const Config& config);

}  // namespace balcony::server
