// What the server counts about itself, gathered from all shards, and the same for a collector of
// metrics (OpenMetrics 1.0).
//
// For commands and the page of metrics. Counters are plain integers of a shard; whoever asks goes
// from shard to shard.
#pragma once

#include "server/shard_context.h"

#include <balcony/task.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace balcony::server {

// One shard at a moment. Those that only grow: since the start.
struct ShardStatistics {
  std::uint64_t connections = 0;         // now, with those that have not logged in
  std::uint64_t sessions_connected = 0;  // now
  std::uint64_t sessions_waiting = 0;    // now: for a client to resume them (XEP-0198 §5)
  std::uint64_t users_loaded = 0;        // now
  std::uint64_t components = 0;          // connections, now
  std::uint64_t servers_in = 0;   // streams that other servers opened and proved a domain on, now
  std::uint64_t servers_out = 0;  // the same of ours
  std::uint64_t servers_waiting = 0;  // stanzas that wait for a stream, now
  // Certificates of servers that did not count by themselves: who vouched for them.
  std::uint64_t vouched_by_dane = 0;
  std::uint64_t vouched_by_posh = 0;
  std::uint64_t vouched_by_nobody = 0;
  std::uint64_t lookups_refused = 0;  // nobody was asked: a limit
  std::uint64_t posh_found = 0;       // documents that were fetched
  std::uint64_t posh_failed = 0;
  std::uint64_t keys_valid = 0;  // of dialback, that came
  std::uint64_t keys_invalid = 0;
  std::uint64_t keys_unanswered = 0;  // their domain's server could not be asked
  std::uint64_t keys_refused = 0;     // nobody was asked: a limit, or it failed a moment ago
  std::uint64_t connections_accepted = 0;
  std::uint64_t stanzas_received = 0;   // of clients
  std::uint64_t stanzas_delivered = 0;  // to clients' sessions
  std::uint64_t logins_succeeded = 0;
  std::uint64_t logins_failed = 0;  // wrong password or no such account

  ShardStatistics& operator+=(const ShardStatistics& other);
};

// What the system says of the process; 0 where it does not say.
struct ProcessStatistics {
  std::uint64_t resident_bytes = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t descriptors_max = 0;
};

struct HostExpiry {
  std::string domain;
  std::chrono::sys_seconds not_after;
};

struct Statistics {
  std::chrono::milliseconds up{};
  WallTime started{};
  std::vector<ShardStatistics> shards;
  storage::DatabaseCounts storage;
  std::uint64_t hashes_waiting = 0;  // passwords in the queue
  ProcessStatistics process;
  std::vector<HostExpiry> certificates;  // of hosts whose file can be read

  ShardStatistics all() const;
};

// On any shard, of which `at` is the context.
Task<Statistics> gather_statistics(ShardContext& at);

// The text of GET /metrics; docs/operations.md says what each means.
std::string to_openmetrics(const Statistics& statistics);

}  // namespace balcony::server
