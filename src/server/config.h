// The configuration as the server uses it: plain structs with their defaults. config_reader.h fills
// them from TOML; each section has an OptionTable (config_tables.h), from which reference and
// checks are made.
//
// A Config is read once and then only read, from any thread; a reload makes a new one.
#pragma once

#include "base/options.h"
#include "router/privileges.h"

#include <balcony/jid.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace balcony::server {

// [[listen]]
struct ListenConfig {
  // "c2s": STARTTLS (RFC 6120 §3); "c2s-tls": direct TLS (XEP-0368); "s2s", "s2s-tls": the same for
  // other servers; "component": XEP-0114
  std::string kind = "c2s";
  std::string address;       // empty: every address; for components loopback
  std::int64_t port = 5222;  // 0: the system chooses

  friend bool operator==(const ListenConfig&, const ListenConfig&) = default;
};

inline constexpr std::string_view kComponentListener = "component";
// That of components, unless one is configured: without TLS, so on this machine only.
inline ListenConfig component_listener() {
  return {std::string(kComponentListener), "127.0.0.1", 5347};
}

inline constexpr std::string_view kServerListener = "s2s";
inline constexpr std::string_view kServerTlsListener = "s2s-tls";

// [limits]: docs/security.md
struct LimitsConfig {
  Bytes stanza_before_auth{10'000};  // RFC 6120 §13.12 asks for at least this
  Bytes stanza{256 * 1024};
  std::int64_t depth = 64;
  std::int64_t attributes = 64;
  std::int64_t nodes = 16'384;
  std::chrono::seconds auth_timeout{30};
  std::int64_t unauthenticated_per_address = 20;
  std::int64_t accepts_per_second = 0;
  Bytes rate{256 * 1024};  // a second, for each authenticated connection; 0: none
  Bytes rate_burst{1024 * 1024};
  Bytes rate_before_auth{10'000};
  Bytes output_queue{4 * 1024 * 1024};
  std::chrono::seconds stalled{60};  // the peer reads nothing for so long
  // Servers and components from which nothing comes for so long are asked by TCP; 0: not
  std::chrono::seconds keep_alive{120};
  std::int64_t sessions_per_account = 20;
  std::int64_t roster_items = 1'000;
  std::int64_t directed_presence = 1'000;
  std::int64_t users_kept_loaded = 1'000;
  std::int64_t auth_attempts = 5;
  std::int64_t unsettled_stanzas = 1'000;
  Bytes unsettled_bytes{1024 * 1024};
};

// [stream_management]: XEP-0198
struct StreamManagementConfig {
  std::chrono::seconds resume_timeout{600};  // 0: sessions cannot be resumed
  std::chrono::seconds silence{60};          // asked for an acknowledgement, a client is silent
  std::int64_t waiting_stanzas = 2'000;
  Bytes waiting_bytes{4 * 1024 * 1024};
};

// [storage]
struct StorageConfig {
  std::string backend = "sqlite";   // "sqlite", "memory"
  std::string durability = "disk";  // "disk", "process"
};

// [auth]
struct AuthConfig {
  std::vector<std::string> mechanisms{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
  std::int64_t iterations = 10'000;
  std::int64_t hash_threads = 1;
  std::int64_t hash_queue = 1'000;
  std::chrono::seconds plain_cache{
      600};  // how long a verified PLAIN password needs no hashing; 0: never
  bool require_tls = true;
  bool sasl2 = true;                                       // XEP-0388
  std::chrono::seconds token_lifetime{14 * 24 * 60 * 60};  // XEP-0484; 0: no tokens
  std::int64_t tokens_per_account = 20;                    // clients that may have one
};

// [log]
struct LogConfig {
  std::string level = "info";
  std::string file;  // empty: standard error
};

// [metrics]
struct MetricsConfig {
  bool enabled = true;
  std::string address = "127.0.0.1";
  std::int64_t port = 9280;  // 0: the system chooses

  friend bool operator==(const MetricsConfig&, const MetricsConfig&) = default;
};

// [hosts."example.org"]
struct HostConfig {
  std::string domain;       // prepared
  std::string certificate;  // PEM; empty: DATA/certificates/DOMAIN.crt, made when it is not there
  std::string key;
  std::string client_ca;   // PEM, authorities of users' certificates (XEP-0178); empty: not asked
  std::string client_crl;  // PEM, revocation lists; empty: not looked at
  bool anonymous =
      false;  // anybody may log in with a temporary account (RFC 4505); no other mechanism
  // Options of the modules that are on, by name: those of [modules.*] and of [hosts.*.modules.*]
  // over them.
  std::map<std::string, std::shared_ptr<const void>> modules;
};

// [component."irc.example.org"]: XEP-0114
struct ComponentConfig {
  std::string domain;  // prepared
  std::string secret;
  std::string secret_file;       // what was in it is in `secret`
  std::int64_t connections = 1;  // at the same time; users are spread over them by bare JID
  bool listed = true;            // among the host's items (XEP-0030 §4)
  Bytes stanza{512 * 1024};
  Bytes rate{0};  // a second, for each connection; 0: none
  Bytes rate_burst{4 * 1024 * 1024};
  Bytes output_queue{16 * 1024 * 1024};
  router::Privileges privileges;    // XEP-0356
  router::Delegations delegations;  // XEP-0355
};

// [s2s.domain."example.net"]: another server
struct RemoteDomainConfig {
  std::string domain;            // prepared
  std::string policy = "allow";  // "allow", "deny"
  // "": as [s2s] says; "required", "dialback": dialback suffices; "pinned": one of `pins`
  std::string certificate;
  std::vector<std::string> pins;  // SHA-256 of certificates, hexadecimal
  std::string connect;            // "192.0.2.1:5269", in place of what DNS says
  bool direct_tls = false;        // there
  std::string posh_connect;       // "192.0.2.1:443", its web server, in place of what DNS says
};

// [s2s]
struct S2sConfig {
  bool enabled = true;
  bool require_tls = true;
  bool require_certificate = false;
  std::vector<std::string> allow_only;  // prepared; empty: all
  std::string ca_file;                  // PEM; empty: the system's authorities
  std::string crl_file;                 // PEM; empty: no revocation lists
  bool posh = true;                     // RFC 7711
  std::string dialback_secret;          // empty: one is drawn at each start
  bool bidi = true;                     // XEP-0288
  std::chrono::seconds connect_timeout{30};
  std::chrono::seconds auth_timeout{60};
  std::chrono::seconds idle_timeout{600};
  std::chrono::seconds resume_timeout{120};  // 0: streams are not resumed
  std::int64_t waiting_stanzas = 1'000;
  Bytes waiting_bytes{1024 * 1024};
  std::chrono::seconds waiting_time{60};
  std::chrono::seconds retry_max{300};
  std::int64_t routes = 10'000;
  std::int64_t unverified_per_address = 20;
  std::int64_t streams_per_domain = 20;
  std::int64_t domains_per_stream = 20;  // 1: each has its own
  std::int64_t verifications = 100;
  std::int64_t verifications_per_address = 20;
  std::int64_t verifications_per_stream = 3;  // before a domain is proved on it
  std::int64_t failures_per_address = 30;     // a minute
  std::chrono::seconds lookup_timeout{5};
  std::int64_t posh_fetches = 10;
  Bytes stanza{512 * 1024};
  Bytes rate{1024 * 1024};
  Bytes rate_burst{8 * 1024 * 1024};
  Bytes output_queue{16 * 1024 * 1024};
  std::vector<RemoteDomainConfig> domains;
};

// [dns]
struct DnsConfig {
  std::string forward_to;
  std::string resolv_conf;
  std::string hosts_file;
  std::string trust_anchor_file;

  friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

// A kind of gateway that the program can run, with the options of [gateway.NAME].
struct GatewayKind {
  std::string name;
  std::string summary;
  const OptionTable* options = nullptr;
  // What the table cannot see; the sentence begins with the option's name.
  std::function<Result<>(const void* options)> check = nullptr;
};
using GatewayKinds = std::vector<GatewayKind>;

// [gateway.mail]
struct GatewayConfig {
  std::string name;    // of its kind
  std::string domain;  // prepared
  std::shared_ptr<const void> options;
};

struct Config {
  std::string file;  // where it was read from; empty: defaults alone
  std::string data = "/var/lib/balcony";
  std::string control;        // the control socket; empty: DATA/control.sock
  std::string control_group;  // whose members may use the control socket too; empty: nobody else
  std::int64_t shards = 0;    // 0: one per core
  std::vector<ListenConfig> listen;
  LimitsConfig limits;
  StreamManagementConfig stream_management;
  StorageConfig storage;
  AuthConfig auth;
  LogConfig log;
  MetricsConfig metrics;
  S2sConfig s2s;
  DnsConfig dns;
  std::vector<HostConfig> hosts;
  std::vector<ComponentConfig> components;
  std::vector<GatewayConfig> gateways;

  // Whether other servers are talked to: they need a port to come to (XEP-0220 §1).
  bool federates() const {
    return s2s.enabled && std::ranges::any_of(listen, [](const ListenConfig& l) {
             return l.kind == kServerListener || l.kind == kServerTlsListener;
           });
  }
  std::string control_path() const { return control.empty() ? data + "/control.sock" : control; }
};

}  // namespace balcony::server
