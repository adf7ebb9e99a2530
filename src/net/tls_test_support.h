// Certificates and pairs of connections for the TLS tests.
#pragma once

#include "net/self_signed.h"
#include "net/test_support.h"
#include "net/tls_context.h"

#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace balcony::test {

// A file with `text` that goes away with its object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string name = testing::TempDir() + "/balcony_net_XXXXXX";
    const FileDescriptor fd(::mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_) << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline TlsHost make_host(std::vector<std::string> names) {
  const SelfSigned made = make_self_signed(names).value();
  TlsHost host;
  host.names = std::move(names);
  host.chain_pem = made.certificate_pem;
  host.key_pem = made.key_pem;
  return host;
}

inline TlsServerOptions server_options(std::vector<TlsHost> hosts) {
  TlsServerOptions options;
  options.hosts = std::move(hosts);
  return options;
}

inline std::unique_ptr<TlsServerContext> make_server(TlsServerOptions options) {
  auto made = TlsServerContext::create(std::move(options));
  EXPECT_TRUE(made.has_value()) << made.error().to_string();
  return std::move(made).value();
}

inline std::unique_ptr<TlsClientContext> make_client(TlsClientOptions options) {
  auto made = TlsClientContext::create(std::move(options));
  EXPECT_TRUE(made.has_value()) << made.error().to_string();
  return std::move(made).value();
}

// A client that trusts exactly what `host` shows.
inline std::unique_ptr<TlsClientContext> make_client_of(const TlsHost& host,
                                                        TlsClientOptions options = {}) {
  const TemporaryFile authorities(host.chain_pem);
  options.ca_file = authorities.path();
  return make_client(std::move(options));
}

// Both ends of a handshake over loopback, the server's on shard 0, the client's on shard 1.
class TlsPair {
 public:
  explicit TlsPair(ShardSet& shards) : shards_(shards) {
    auto [near, far] = tcp_pair();
    client_fd_ = std::move(near);
    server_fd_ = std::move(far);
  }
  TlsPair(const TlsPair&) = delete;
  TlsPair& operator=(const TlsPair&) = delete;
  ~TlsPair() {
    run_on(shards_.at(0), [this]() -> Task<bool> {
      server.reset();
      co_return true;
    });
    run_on(shards_.at(1), [this]() -> Task<bool> {
      client.reset();
      co_return true;
    });
  }

  struct Outcome {
    Result<> server;
    Result<> client;
  };
  Outcome shake(const TlsServerContext& server_context, const TlsClientContext& client_context,
                std::string name, std::string hint = {}) {
    auto server_done = start_on(shards_.at(0), [&]() -> Task<Result<>> {
      server = Connection::open(shards_.at(0), std::move(server_fd_), {});
      auto result = co_await server->start_tls_server(server_context, hint);
      if (!result) server.reset();
      co_return result;
    });
    auto client_done = start_on(shards_.at(1), [&]() -> Task<Result<>> {
      client = Connection::open(shards_.at(1), std::move(client_fd_), {});
      auto result = co_await client->start_tls_client(client_context, name);
      if (!result) client.reset();
      co_return result;
    });
    auto client_result = get(std::move(client_done));
    return Outcome(get(std::move(server_done)), std::move(client_result));
  }

  // `f(connection)` on the connection's shard.
  template <class F>
  auto at_server(F f) {
    return run_on(shards_.at(0),
                  [&, this]() -> Task<decltype(f(*server))> { co_return f(*server); });
  }
  template <class F>
  auto at_client(F f) {
    return run_on(shards_.at(1),
                  [&, this]() -> Task<decltype(f(*client))> { co_return f(*client); });
  }

  ConnectionPtr server;
  ConnectionPtr client;

 private:
  ShardSet& shards_;
  FileDescriptor client_fd_;
  FileDescriptor server_fd_;
};

}  // namespace balcony::test
