#include "server/config_tables.h"

namespace balcony::server {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

OptionTable make_limits() {
  using L = LimitsConfig;
  return option_table<L>({
      option("stanza_bytes", &L::stanza, Bytes{10'000}, Bytes{16 * kMiB},
             "The largest stanza that a client may send after logging in (RFC 6120 §13.12)."),
      option("stanza_bytes_before_auth", &L::stanza_before_auth, Bytes{10'000}, Bytes{kMiB},
             "The same before logging in."),
      option("depth", &L::depth, 8, 1'000, "How deep elements of a stanza may nest."),
      option("attributes", &L::attributes, 8, 1'000, "Attributes that one element may have."),
      option("nodes", &L::nodes, 100, kMany, "Elements and texts in one stanza."),
      option("auth_timeout", &L::auth_timeout, 1s, 1h,
             "How long TLS, logging in and binding may take in all."),
      option("auth_attempts", &L::auth_attempts, 2, 100,
             "Failed logins after which a stream ends."),
      option("connections_per_address", &L::unauthenticated_per_address, 0, kMany,
             "Connections from one IPv4 address or IPv6 /64 that have not logged in yet; 0: any "
             "number."),
      option("accepts_per_second", &L::accepts_per_second, 0, kMany,
             "New connections a second for each listener; more wait; 0: no limit."),
      option("rate", &L::rate, Bytes{0}, Bytes{kGiB},
             "Bytes a second that are read from a client who has logged in; 0: no limit."),
      option("rate_burst", &L::rate_burst, Bytes{0}, Bytes{kGiB},
             "Bytes that may come at once before `rate` counts."),
      option("rate_before_auth", &L::rate_before_auth, Bytes{1'000}, Bytes{kGiB},
             "Bytes a second that are read from a stranger."),
      option("output_queue", &L::output_queue, Bytes{64 * kKiB}, Bytes{kGiB},
             "Bytes that may wait for a client who reads slowly; more ends his stream."),
      option("stalled", &L::stalled, 5s, 24h,
             "A client who reads nothing for so long is disconnected."),
      option("keep_alive", &L::keep_alive, 0s, 2h,
             "Other servers and components of which nothing came for so long are asked by TCP "
             "whether they are there; four times without an answer ends the connection. 0: not. "
             "Clients are not asked: it costs them their battery; see [stream_management]."),
      option("sessions_per_account", &L::sessions_per_account, 1, 10'000,
             "Sessions that one account may have at the same time."),
      option("roster_items", &L::roster_items, 10, kMany, "Contacts in one roster."),
      option("directed_presence", &L::directed_presence, 10, kMany,
             "Entities to which one session may have sent its presence directly."),
      option("unsettled_stanzas", &L::unsettled_stanzas, 10, kMany,
             "Messages of one session that are neither delivered nor stored yet; while there are "
             "so many, nothing more is read from it."),
      option("unsettled_bytes", &L::unsettled_bytes, Bytes{64 * kKiB}, Bytes{kGiB},
             "The same in bytes."),
      option("users_kept_loaded", &L::users_kept_loaded, 0, 10 * kMany,
             "Users without a session who are kept in memory, for each shard."),
  });
}

OptionTable make_stream_management() {
  using M = StreamManagementConfig;
  return option_table<M>({
      option("resume_timeout", &M::resume_timeout, 0s, 24h,
             "How long a session waits for a client who lost its connection; 0: it does not."),
      option("silence", &M::silence, 5s, 1h,
             "A client who has been asked what it received and says nothing for so long has lost "
             "its connection."),
      option("waiting_stanzas", &M::waiting_stanzas, 10, kMany,
             "Stanzas of one session that its client has not acknowledged; more end the session."),
      option("waiting_bytes", &M::waiting_bytes, Bytes{64 * kKiB}, Bytes{kGiB},
             "The same in bytes."),
  });
}

OptionTable make_storage() {
  using Storage = StorageConfig;
  return option_table<Storage>({
      option("backend", &Storage::backend,
             "Where accounts and messages are kept: a file below `data`, or memory that is gone "
             "with the process.",
             {"sqlite", "memory"}),
      option("durability", &Storage::durability,
             "What an acknowledged message survives: \"disk\" power loss, \"process\" only the "
             "end of the process (faster on slow disks).",
             {"disk", "process"}),
  });
}

OptionTable make_auth() {
  using A = AuthConfig;
  return option_table<A>({
      option("mechanisms", &A::mechanisms,
             "SASL mechanisms that are offered, strongest first. SCRAM is offered with channel "
             "binding too."),
      option("iterations", &A::iterations, 10'000, 10'000'000,
             "Iterations of new SCRAM keys (XEP-0438 §7)."),
      option("hash_threads", &A::hash_threads, 1, 256, "Threads that hash passwords."),
      option("hash_queue", &A::hash_queue, 1, kMany,
             "Passwords that may wait for hashing; more logins are told to come back."),
      option("plain_cache", &A::plain_cache, 0s, 24h * 30,
             "How long a verified PLAIN password needs no hashing; 0: it always does."),
      option("require_tls", &A::require_tls,
             "Nobody logs in without TLS. Turn it off for tests on your own machine only."),
      option("sasl2", &A::sasl2,
             "Offer SASL2 and Bind 2 (XEP-0388, XEP-0386), which log in with fewer round trips."),
      option("token_lifetime", &A::token_lifetime, 0s, 24h * 365,
             "How long a client may come back with a token in place of the password (XEP-0484); "
             "each use after a day gives a new one. 0: no tokens."),
      option("tokens_per_account", &A::tokens_per_account, 1, 1'000,
             "Clients of one account that may have tokens; more replace those that end first."),
  });
}

OptionTable make_log() {
  using L = LogConfig;
  return option_table<L>({
      option("level", &L::level, "The least important lines that are written.",
             {"debug", "info", "warning", "error", "off"}),
      option("file", &L::file,
             "A file to append to; empty: standard error. SIGHUP opens it anew, for rotation."),
  });
}

OptionTable make_metrics() {
  using M = MetricsConfig;
  return option_table<M>({
      option("enabled", &M::enabled, "Whether there is such a page."),
      option(
          "address", &M::address,
          "A literal IPv4 or IPv6 address. Whoever reaches it reads the numbers: no password, no "
          "TLS."),
      option("port", &M::port, 0, 65'535,
             "The port; 0: the system chooses, and the log says which. One that is taken is a "
             "warning in the log."),
  });
}

}  // namespace

const OptionTable& top_options() {
  static const OptionTable kTable = option_table<Config>({
      option("data", &Config::data, "The folder of everything that is kept."),
      option("control", &Config::control,
             "The Unix socket that balconyctl talks to; empty: control.sock in `data`."),
      option("control_group", &Config::control_group,
             "A group whose members may use the control socket too (mode 660; its folder must let "
             "them in); empty: nobody but the server's own user (mode 600)."),
      option("shards", &Config::shards, 0, 256,
             "Threads that serve clients, each with its own event loop; 0: one per core."),
  });
  return kTable;
}

const OptionTable& listen_options() {
  static const OptionTable kTable = option_table<ListenConfig>({
      option("kind", &ListenConfig::kind,
             "\"c2s\": clients who start TLS in the stream (RFC 6120 §5); \"c2s-tls\": clients "
             "who start with TLS (XEP-0368); \"s2s\" and \"s2s-tls\": the same for other servers; "
             "\"component\": external components (XEP-0114), which have no TLS.",
             {"c2s", "c2s-tls", std::string(kServerListener), std::string(kServerTlsListener),
              std::string(kComponentListener)}),
      option("address", &ListenConfig::address,
             "A literal IPv4 or IPv6 address; empty: all addresses of the machine, but for "
             "components 127.0.0.1."),
      option("port", &ListenConfig::port, 0, 65'535,
             "The port; 0: the system chooses, and the log says which."),
  });
  return kTable;
}

const OptionTable& host_options() {
  static const OptionTable kTable = option_table<HostConfig>({
      option("certificate", &HostConfig::certificate,
             "The certificate with its chain, a PEM file; empty: DATA/certificates/DOMAIN.crt, a "
             "self-signed one that is made when it is not there."),
      option("key", &HostConfig::key, "The certificate's private key, a PEM file."),
      option(
          "client_ca", &HostConfig::client_ca,
          "Authorities of users' certificates, a PEM file: clients are asked for one, and who "
          "shows a valid one that names his address logs in with it (EXTERNAL, XEP-0178). Empty: "
          "nobody is asked."),
      option("client_crl", &HostConfig::client_crl,
             "Revocation lists of those authorities, a PEM file; read again by a reload. A list "
             "that is past its time lets nobody in. Empty: none is looked at."),
      option("anonymous", &HostConfig::anonymous,
             "Anybody may log in with an account that lasts as long as the session (RFC 4505); "
             "nobody else can."),
  });
  return kTable;
}

const OptionTable& component_options() {
  using C = ComponentConfig;
  static const OptionTable kTable = option_table<C>({
      option("secret", &C::secret,
             "What the component proves to know; `balconyctl component add` "
             "makes one."),
      option("secret_file", &C::secret_file,
             "A file whose first line is the secret, in place of `secret`."),
      option("connections", &C::connections, 1, 64,
             "Connections that the component may have at the same time; a user is always served by "
             "the same one. More are refused with <conflict/>."),
      option("listed", &C::listed,
             "While it is connected, it is among the services of the host whose subdomain it is."),
      option("stanza_bytes", &C::stanza, Bytes{10'000}, Bytes{16 * kMiB},
             "The largest stanza that it may send."),
      option("rate", &C::rate, Bytes{0}, Bytes{kGiB},
             "Bytes a second that are read from each connection; 0: no limit."),
      option("rate_burst", &C::rate_burst, Bytes{0}, Bytes{kGiB},
             "Bytes that may come at once before `rate` counts."),
      option("output_queue", &C::output_queue, Bytes{64 * kKiB}, Bytes{kGiB},
             "Bytes that may wait for it while it reads slowly; more end its stream."),
  });
  return kTable;
}

const std::vector<ConfigSection>& config_sections() {
  static const OptionTable kLimits = make_limits();
  static const OptionTable kStorage = make_storage();
  static const OptionTable kAuth = make_auth();
  static const OptionTable kLog = make_log();
  static const OptionTable kMetrics = make_metrics();
  static const OptionTable kManagement = make_stream_management();
  static const std::vector<ConfigSection> kSections = [] {
    std::vector<ConfigSection> all{
        {"storage", "Where accounts and messages are kept.", &kStorage,
         [](Config& c) -> void* { return &c.storage; }},
        {"auth", "Logging in.", &kAuth, [](Config& c) -> void* { return &c.auth; }},
        {"stream_management", "Acknowledged stanzas and sessions that can be resumed (XEP-0198).",
         &kManagement, [](Config& c) -> void* { return &c.stream_management; }},
        {"log", "What is written about what happens.", &kLog,
         [](Config& c) -> void* { return &c.log; }},
        {"metrics", "Numbers for a collector at /metrics, health at /healthz (docs/operations.md).",
         &kMetrics, [](Config& c) -> void* { return &c.metrics; }},
        {"limits", "Bounds of everything that a client can fill. The defaults are safe.", &kLimits,
         [](Config& c) -> void* { return &c.limits; }},
    };
    for (const ConfigSection& section : federation_sections()) all.push_back(section);
    return all;
  }();
  return kSections;
}

}  // namespace balcony::server
