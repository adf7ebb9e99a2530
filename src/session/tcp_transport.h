// A stream over TCP, plain or with TLS (RFC 6120 §3).
#pragma once

#include "base/prefetch.h"
#include "net/connection.h"
#include "session/transport.h"

#include <optional>

namespace balcony::session {

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(ConnectionPtr connection);
  ~TcpTransport() override;

  // For moving to another shard (decision 0010): takes the connection out. The transport is then
  // empty.
  Detached release();

  Result<std::string_view> read() override;
  void write(std::string_view bytes) override { connection_->write(bytes); }
  // Asks for the memory that write() will need (base/prefetch.h).
  void prefetch() const {
    if (connection_) balcony::prefetch(*connection_);
  }
  std::size_t unsent_bytes() const override { return connection_->unsent_bytes(); }
  Task<Result<>> start_tls_server(const TlsServerContext& context, std::string host_hint,
                                  std::string leftover) override;
  Task<Result<>> start_tls_client(const TlsClientContext& context, std::string name,
                                  std::string leftover) override;
  void set_deadline_in(std::chrono::milliseconds from_now) override;
  void clear_deadline() override { connection_->clear_deadline(); }
  void leave_address_limit() override { connection_->leave_address_limit(); }
  void set_rate(std::uint32_t bytes_per_second, std::uint32_t burst_bytes) override;
  // How many bytes may wait for a peer who reads slowly; more end the connection (kOverloaded).
  void set_output_max(std::size_t bytes);
  // Bytes that were written and not given to the system yet; nullopt when the connection broke and
  // nobody knows.
  std::optional<std::size_t> unsent() const;
  std::string peer() const override;
  std::string peer_address() const override;
  std::string tls_summary() const override;
  bool is_tls() const override { return connection_->is_tls(); }
  PeerCertificate peer_certificate() const override { return connection_->peer_certificate(); }
  std::vector<sasl::ChannelBinding> channel_bindings() const override;

 protected:
  bool begin_wait() override;
  void suspend(std::coroutine_handle<> waiter) override { wait_->await_suspend(waiter); }
  Result<> end_wait() override;
  void close_and_forget() override;

 private:
  ConnectionPtr connection_;
  std::optional<ReadableWait> wait_;
};

}  // namespace balcony::session
