// The loads that balcony_bench can make. Each is one coroutine on the shard of its crowd.
#pragma once

#include "bench/load/crowd.h"
#include "bench/load/report.h"

namespace balcony::bench {

// chat: pairs; one half sends messages to the full JID of the other, `in_flight` under way each.
// ping: each session asks the server (XEP-0199 §4.1), `in_flight` requests under way.
// With `far_port`, that half is at another server, and the CPU time is that of both.
// With `rate`: so many messages a second, evenly, whatever is under way.
// Figures: messages, per_second, p50_us, p99_us, server_cpu_s, cpu_s_per_100000, client_cpu_s.
Task<Result<Report>> exchange(Shard& shard, Crowd& crowd, const Options& options);

// Makes neighbours contacts of each other (RFC 6121 §3.1), both ways, `contacts` for each account;
// those that they have stay. Figures: subscriptions, seconds, server_cpu_s.
Task<Result<Report>> contacts(Shard& shard, Crowd& crowd, const Options& options);

// All sessions ask for their rosters and become available at once; it ends when each has seen each
// of its contacts (after `contacts`). Figures: presences, seconds, server_cpu_s, cpu_ms_per_user.
Task<Result<Report>> storm(Shard& shard, Crowd& crowd, const Options& options);

// Opens sessions that say nothing. Figures: rss_before_kib, rss_after_kib, kib_per_session.
Task<Result<Report>> idle(Shard& shard, Crowd& crowd, const Options& options);

// Logs in and out, several rounds. Figures for each round: logins a second, cpu_ms_per_login.
Task<Result<Report>> login(Shard& shard, Crowd& crowd, const Options& options);

}  // namespace balcony::bench
