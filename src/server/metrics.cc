#include "server/metrics.h"

#include "base/version.h"
#include "net/certificate.h"
#include "server/certificates.h"
#include "server/hop.h"
#include "server/s2s/federation.h"
#include "server/s2s/peer_stream.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace balcony::server {
namespace {

namespace fs = std::filesystem;

void count_trust(s2s::Federation& federation, ShardStatistics& counts) {
  const auto& certificates = federation.certificates().counts();
  counts.vouched_by_dane = certificates.dane;
  counts.vouched_by_posh = certificates.posh;
  counts.vouched_by_nobody = certificates.none;
  counts.lookups_refused = certificates.refused;
  counts.posh_found = federation.certificates().posh().counts().found;
  counts.posh_failed = federation.certificates().posh().counts().failed;
  counts.keys_valid = federation.keys().valid;
  counts.keys_invalid = federation.keys().invalid;
  counts.keys_unanswered = federation.keys().unanswered;
  counts.keys_refused = federation.keys().refused;
}

Task<ShardStatistics> statistics_here(ShardContext& here) {
  ShardStatistics counts;
  counts.connections = here.sessions.size();
  counts.sessions_waiting = here.detached.size();
  counts.sessions_connected = here.router->users().sessions() - counts.sessions_waiting;
  counts.users_loaded = here.router->users().size();
  counts.connections_accepted = here.streams_opened;
  counts.components = here.router->components().streams();
  for (const s2s::PeerStream* stream : here.federation->streams) {
    if (stream->has_pairs()) ++(stream->is_incoming() ? counts.servers_in : counts.servers_out);
  }
  counts.servers_waiting = here.router->remotes().waiting();
  count_trust(*here.federation, counts);
  counts.stanzas_received = here.router->counts().received;
  counts.stanzas_delivered = here.router->counts().delivered;
  counts.logins_succeeded = here.by_address.counts().succeeded;
  counts.logins_failed = here.by_address.counts().failed;
  co_return counts;
}

ProcessStatistics process_statistics() {
  ProcessStatistics process;
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> size >> resident) {
    process.resident_bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code error;
  for (auto entry = fs::directory_iterator("/proc/self/fd", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    ++process.descriptors;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) process.descriptors_max = limit.rlim_cur;
  return process;
}

std::vector<HostExpiry> expiries(const Config& config) {
  std::vector<HostExpiry> found;
  for (const HostConfig& host : config.hosts) {
    std::ifstream file(certificate_path(config, host), std::ios::binary);
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    const auto certificate = read_certificate_pem(pem);
    if (certificate) found.push_back({host.domain, certificate->not_after});
  }
  return found;
}

// What takes the system some time to say.
struct Slow {
  ProcessStatistics process;
  std::vector<HostExpiry> certificates;
};

// ---- the text ----

class Page {
 public:
  // OpenMetrics 1.0 §3.1.2: all samples of a family together, behind its metadata.
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "balcony_" + std::string(name);
    suffix_ = type == "counter" ? "_total" : type == "info" ? "_info" : "";
    text_ += "# TYPE " + name_ + ' ' + std::string(type) + "\n";
    for (const std::string_view unit : {"seconds", "bytes"}) {
      if (name.ends_with('_' + std::string(unit))) {
        text_ += "# UNIT " + name_ + ' ' + std::string(unit) + '\n';
      }
    }
    text_ += "# HELP " + name_ + ' ' + std::string(help) + '\n';
  }
  template <class Number>
  void sample(Number value, std::string_view labels = {}) {
    text_ += name_ + suffix_;
    if (!labels.empty()) text_ += '{' + std::string(labels) + '}';
    text_ += ' ' + std::to_string(value) + '\n';
  }
  template <class Number>
  void single(std::string_view name, std::string_view type, Number value, std::string_view help) {
    family(name, type, help);
    sample(value);
  }
  std::string end() && { return std::move(text_) + "# EOF\n"; }

 private:
  std::string text_;
  std::string name_;
  std::string suffix_;
};

std::string label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// A number of each shard; `what`: a second label, or nothing.
struct PerShard {
  std::string what;
  std::uint64_t ShardStatistics::* number;
};

void per_shard(Page& page, const Statistics& statistics, std::string_view name,
               std::string_view type, std::string_view help, const std::vector<PerShard>& numbers) {
  page.family(name, type, help);
  for (std::size_t i = 0; i < statistics.shards.size(); ++i) {
    const std::string shard = label("shard", std::to_string(i));
    for (const auto& [what, number] : numbers) {
      page.sample(statistics.shards[i].*number, what.empty() ? shard : shard + ',' + what);
    }
  }
}

void write_shards(Page& page, const Statistics& statistics) {
  using S = ShardStatistics;
  per_shard(page, statistics, "connections", "gauge",
            "Clients' connections, also of who has not logged in.", {{"", &S::connections}});
  per_shard(page, statistics, "sessions", "gauge",
            "Sessions that are bound: connected, or waiting to be resumed.",
            {{label("state", "connected"), &S::sessions_connected},
             {label("state", "waiting"), &S::sessions_waiting}});
  per_shard(page, statistics, "users_loaded", "gauge", "Users of whom something is in memory.",
            {{"", &S::users_loaded}});
  per_shard(page, statistics, "component_connections", "gauge",
            "Connections of external components that were accepted.", {{"", &S::components}});
  per_shard(
      page, statistics, "server_streams", "gauge",
      "Streams with other servers on which a domain is proved.",
      {{label("direction", "in"), &S::servers_in}, {label("direction", "out"), &S::servers_out}});
  per_shard(page, statistics, "server_stanzas_waiting", "gauge",
            "Stanzas that wait for a stream to another server.", {{"", &S::servers_waiting}});
  per_shard(page, statistics, "connections_accepted", "counter",
            "Connections that clients have opened.", {{"", &S::connections_accepted}});
  per_shard(page, statistics, "stanzas", "counter",
            "Stanzas received from clients and components, and delivered to them.",
            {{label("direction", "in"), &S::stanzas_received},
             {label("direction", "out"), &S::stanzas_delivered}});
  per_shard(page, statistics, "logins", "counter",
            "Logins: succeeded, or failed by a wrong password or account.",
            {{label("result", "ok"), &S::logins_succeeded},
             {label("result", "failed"), &S::logins_failed}});
}

void write_trust(Page& page, const Statistics& statistics) {
  using S = ShardStatistics;
  per_shard(page, statistics, "server_certificate_lookups", "counter",
            "Certificates of other servers that did not count by themselves, by who vouched for "
            "them.",
            {{label("by", "dane"), &S::vouched_by_dane},
             {label("by", "posh"), &S::vouched_by_posh},
             {label("by", "nobody"), &S::vouched_by_nobody},
             {label("by", "refused"), &S::lookups_refused}});
  per_shard(
      page, statistics, "posh_documents", "counter",
      "POSH documents that were fetched, or could not be.",
      {{label("result", "ok"), &S::posh_found}, {label("result", "failed"), &S::posh_failed}});
  per_shard(page, statistics, "dialback_keys", "counter",
            "Dialback keys of other servers, and what became of them.",
            {{label("result", "valid"), &S::keys_valid},
             {label("result", "invalid"), &S::keys_invalid},
             {label("result", "unanswered"), &S::keys_unanswered},
             {label("result", "refused"), &S::keys_refused}});
}

void write_storage(Page& page, const storage::DatabaseCounts& counts) {
  page.single("storage_batches", "counter", counts.batches, "Batches that were committed.");
  page.single("storage_rows", "counter", counts.rows, "Operations in committed batches.");
  page.single("storage_transactions", "counter", counts.groups,
              "Transactions that the batches shared.");
  page.single("storage_failed_batches", "counter", counts.failed,
              "Batches that were not committed.");
  page.single("storage_unreadable_rows", "counter", counts.corrupt,
              "Rows and accounts that could not be read and were left out.");
  page.single("storage_disk_full", "gauge", counts.disk_full ? 1 : 0,
              "1 while the disk has no room.");
}

}  // namespace

ShardStatistics& ShardStatistics::operator+=(const ShardStatistics& other) {
  using S = ShardStatistics;
  for (const auto number : {&S::connections,       &S::sessions_connected, &S::sessions_waiting,
                            &S::users_loaded,      &S::components,         &S::servers_in,
                            &S::servers_out,       &S::servers_waiting,    &S::connections_accepted,
                            &S::stanzas_received,  &S::stanzas_delivered,  &S::logins_succeeded,
                            &S::logins_failed,     &S::vouched_by_dane,    &S::vouched_by_posh,
                            &S::vouched_by_nobody, &S::lookups_refused,    &S::posh_found,
                            &S::posh_failed,       &S::keys_valid,         &S::keys_invalid,
                            &S::keys_unanswered,   &S::keys_refused}) {
    this->*number += other.*number;
  }
  return *this;
}

ShardStatistics Statistics::all() const {
  ShardStatistics sum;
  for (const ShardStatistics& shard : shards) sum += shard;
  return sum;
}

Task<Statistics> gather_statistics(ShardContext& at) {
  Statistics all;
  for (const auto& there : at.shared.contexts) {
    const std::function<Task<ShardStatistics>()> gather = [&there] {
      return statistics_here(*there);
    };
    all.shards.push_back(co_await run_on<ShardStatistics>(at.shard, there->shard, gather));
  }
  const Clock& clock = at.shard.clock();
  all.up = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - at.shared.started);
  all.started = clock.wall() - all.up;
  all.storage = at.shared.database->counts();
  all.hashes_waiting = at.shared.hash_pool->queued();
  const std::function<Slow()> ask = [config = at.config] {
    return Slow{process_statistics(), expiries(*config)};
  };
  // Without these when too many passwords wait.
  auto slow = co_await run_in<Slow>(at.shard, *at.shared.hash_pool, ask);
  if (slow) {
    all.process = slow->process;
    all.certificates = std::move(slow->certificates);
  }
  co_return all;
}

std::string to_openmetrics(const Statistics& statistics) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  Page page;
  page.family("build", "info", "The version that runs.");
  page.sample(1, label("version", kBalconyVersion));
  page.single("start_time_seconds", "gauge",
              duration_cast<seconds>(statistics.started.time_since_epoch()).count(),
              "When the server was started, as Unix time.");
  page.single("uptime_seconds", "gauge", duration_cast<seconds>(statistics.up).count(),
              "How long the server has been running.");
  write_shards(page, statistics);
  write_trust(page, statistics);
  write_storage(page, statistics.storage);
  page.single("password_hashes_waiting", "gauge", statistics.hashes_waiting,
              "Passwords that wait for a thread to hash them.");
  page.family("certificate_not_after_seconds", "gauge",
              "When the certificate of a host ends, as Unix time.");
  for (const auto& [domain, not_after] : statistics.certificates) {
    page.sample(not_after.time_since_epoch().count(), label("host", domain));
  }
  page.single("resident_memory_bytes", "gauge", statistics.process.resident_bytes,
              "Memory of the process that is in use.");
  page.single("open_descriptors", "gauge", statistics.process.descriptors,
              "File descriptors that are open.");
  page.single("max_descriptors", "gauge", statistics.process.descriptors_max,
              "File descriptors that may be open.");
  return std::move(page).end();
}

}  // namespace balcony::server
