// What carries a stream's bytes: TCP now, WebSocket and BOSH later. Sessions of both ends use it.
//
// A transport belongs to one shard. Reading is: `co_await readable()`, then read() until it gives
// nothing; nothing is allocated for a peer that says nothing. Writing is queued and sent at the end
// of the loop's turn.
#pragma once

#include "net/tls_info.h"
#include "sasl/channel_binding.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {
class TlsServerContext;
class TlsClientContext;
}  // namespace balcony

namespace balcony::session {

class Transport {
 public:
  virtual ~Transport() = default;

  class [[nodiscard]] Readable {
   public:
    explicit Readable(Transport& transport) : transport_(transport) {}
    bool await_ready() { return transport_.begin_wait(); }
    void await_suspend(std::coroutine_handle<> waiter) { transport_.suspend(waiter); }
    Result<> await_resume() { return transport_.end_wait(); }

   private:
    Transport& transport_;
  };

  // Waits until read() may give something. One waiter. Errors: kTimeout (the deadline), kClosed,
  // kOverloaded (the peer does not read), kIo, kTls.
  Readable readable() { return Readable(*this); }

  // What has come, in a buffer that every session of the shard uses: use it before the next
  // co_await. Empty when nothing more is there now. Errors as readable(); kClosed at the peer's
  // end.
  virtual Result<std::string_view> read() = 0;

  // Queues bytes. What cannot be sent shows at the reader.
  virtual void write(std::string_view bytes) = 0;

  // How much of it waits for the peer to read.
  virtual std::size_t unsent_bytes() const = 0;

  // TLS as the server (RFC 6120 §5.4.3.3) or the client; `leftover` is what was read and not used,
  // and must be empty.
  virtual Task<Result<>> start_tls_server(const TlsServerContext& context, std::string host_hint,
                                          std::string leftover) = 0;
  virtual Task<Result<>> start_tls_client(const TlsClientContext& context, std::string name,
                                          std::string leftover) = 0;

  // An absolute deadline from now, kept through everything; readable() and TLS then give kTimeout.
  // Zero wakes a reader as soon as possible.
  virtual void set_deadline_in(std::chrono::milliseconds from_now) = 0;
  virtual void clear_deadline() = 0;

  // The client is authenticated: it no longer counts among the few strangers of its address.
  virtual void leave_address_limit() = 0;
  // How fast it may send from now on, in bytes per second; 0: no limit.
  virtual void set_rate(std::uint32_t bytes_per_second, std::uint32_t burst_bytes) = 0;

  // Sends what is queued, says good-bye and closes, on its own; the transport is done with.
  static void close_in_background(std::unique_ptr<Transport> transport);

  // Address and port of the peer.
  virtual std::string peer() const = 0;
  // The address alone, for limits.
  virtual std::string peer_address() const = 0;
  // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS.
  virtual std::string tls_summary() const = 0;
  virtual bool is_tls() const = 0;
  // What the peer showed in its TLS handshake.
  virtual PeerCertificate peer_certificate() const = 0;
  // The channel bindings of the TLS connection, best first; empty without.
  virtual std::vector<sasl::ChannelBinding> channel_bindings() const = 0;

 protected:
  friend class Readable;
  virtual bool begin_wait() = 0;
  virtual void suspend(std::coroutine_handle<> waiter) = 0;
  virtual Result<> end_wait() = 0;
  virtual void close_and_forget() = 0;
};

}  // namespace balcony::session
