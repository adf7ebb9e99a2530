// Resolver: asks DNS, through libunbound, without blocking. One for a process.
//
// It uses the system's /etc/hosts and resolv.conf, caches within bounds (also that there is
// nothing), and does the work in a thread of libunbound's. Literal addresses and "localhost" are
// answered without asking.
//
// Threads: made and destroyed while its home shard exists; asked on any shard, answered on the one
// that asked.
#pragma once

#include "net/socket_address.h"
#include "net/srv.h"
#include "net/tlsa.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace balcony {

class Shard;

struct ResolverOptions {
  std::string resolv_conf;  // a file like it; empty: the system's
  std::string hosts_file;   // empty: the system's
  // "127.0.0.1@5353": asks this server only, instead of those of resolv_conf. For tests.
  std::string forward_to;
  // Root keys for DNSSEC, as /usr/share/dns/root.key; empty: nothing is validated.
  std::string trust_anchor_file;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  // for each question
};

struct SrvAnswer {
  std::vector<SrvRecord> records;  // not ordered; see order_srv()
  bool secure = false;             // validated by DNSSEC
};

struct TlsaAnswer {
  std::vector<TlsaRecord> records;
  bool secure = false;  // validated by DNSSEC; without, the records count for nothing
};

class Resolver {
 public:
  // Errors: kConfig, kIo.
  static Result<std::unique_ptr<Resolver>> create(Shard& home, ResolverOptions options = {});
  ~Resolver();

  // What is asked from now on, or waits for an answer, is kCancelled. From any thread.
  void stop();

  // The SRV records of `name`, "_xmpp-client._tcp.example.org" (A-labels).
  // Errors: kNotFound: there are none, or no such name. kTimeout. kConnect: the servers fail, or
  // the answer is forged (DNSSEC). kCancelled: the resolver is destroyed.
  Task<Result<SrvAnswer>> srv(std::string name);

  // The TLSA records of `name`, as tlsa_name() gives it (RFC 6698, RFC 7673). Errors: as srv().
  Task<Result<TlsaAnswer>> tlsa(std::string name);

  // All addresses of `host`, IPv6 and IPv4 in turn, IPv6 first (RFC 8305 §4), with `port` in them.
  // Errors: as srv().
  Task<Result<std::vector<SocketAddress>>> addresses(std::string host, std::uint16_t port);

 private:
  class Engine;
  explicit Resolver(std::shared_ptr<Engine> engine);
  std::shared_ptr<Engine> engine_;
};

}  // namespace balcony
