// Connection: a TCP socket, plain or with TLS, on one shard.
//
// The session's coroutine waits with `co_await readable()` and then calls `read_some()` until it
// would block. Output goes to a queue that is sent once at the end of the loop's turn. A connection
// that says nothing keeps no buffer: about 300 bytes and what OpenSSL keeps.
//
//   for (;;) {
//     BALCONY_CO_CHECK(co_await connection->readable());
//     for (;;) {
//       BALCONY_CO_ASSIGN(const std::size_t n, connection->read_some(shard.buffer()));
//       if (n == 0) break;
//       …
//     }
//   }
//
// Threads: its shard's thread only. To go to another shard: release() here, adopt() there.
#pragma once

#include "base/clock.h"
#include "net/file_descriptor.h"
#include "net/socket_address.h"
#include "net/tls_info.h"
#include "net/watcher.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace balcony {

class Connection;
class Shard;
class TlsClientContext;
class TlsServerContext;

using ConnectionPtr = std::unique_ptr<Connection>;

struct ConnectionOptions {
  // Output that may wait for a peer who reads slowly; more fails the connection with kOverloaded.
  std::size_t output_bytes_max = 4u << 20;
  // Output waits and the peer has taken nothing for so long: fails with kTimeout. 0: never.
  std::chrono::milliseconds stalled_after = std::chrono::seconds(60);
  // Input is read no faster than this. 0: as fast as it comes.
  std::uint32_t read_bytes_per_second = 0;
  // What may come at once before the rate counts. 0: one second's worth.
  std::uint32_t read_burst_bytes = 0;
  // Nothing has come for so long: the system asks whether the peer is there (TCP keep-alive), and
  // fails the connection soon after where it is not. Set at its beginning. 0: nobody asks.
  std::chrono::seconds keep_alive{0};
};

// A place among the connections of an address; given back when it is destroyed. From any thread.
class AddressSlot {
 public:
  virtual ~AddressSlot() = default;
};

struct SslFree {
  void operator()(ssl_st* ssl) const noexcept;
};
using SslPtr = std::unique_ptr<ssl_st, SslFree>;

// A connection between two shards: everything that moves with it.
struct Detached {
  FileDescriptor fd;
  SslPtr ssl;
  std::string unsent;
  std::size_t unsent_offset = 0;
  SocketAddress peer;
  ConnectionOptions options;
  std::optional<Instant> deadline;
  std::int64_t read_tokens = 0;
  Instant read_tokens_at{};
  std::unique_ptr<AddressSlot> slot;
  std::unique_ptr<Error> failure;
  bool truncated = false;
};

// The awaitable that Connection::readable() returns. Await it once, at once.
class [[nodiscard]] ReadableWait {
 public:
  explicit ReadableWait(Connection& connection) noexcept : connection_(connection) {}
  ReadableWait(const ReadableWait&) = delete;
  ReadableWait& operator=(const ReadableWait&) = delete;
  ~ReadableWait();
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  Result<> await_resume();

 private:
  Connection& connection_;
  bool waits_ = false;
};

class Connection final : private Watcher {
 public:
  // A connection on a connected socket. `fd` is made non-blocking.
  static ConnectionPtr open(Shard& shard, FileDescriptor fd, SocketAddress peer,
                            ConnectionOptions options = {});
  // Goes on with a connection that was released on another shard (or this one). The first
  // readable() returns at once: bytes may already lie in OpenSSL, and waiting would hang.
  static ConnectionPtr adopt(Shard& shard, Detached detached);
  // Closes the socket at once. Nobody may be waiting, unless his coroutine is destroyed before.
  ~Connection() override;

  // Waits until read_some() can give something. One waiter at a time.
  //
  // Errors   kTimeout: the deadline has passed (again at each call, until it is changed), or the
  //          peer took no output for `stalled_after`.
  //          kOverloaded: `output_bytes_max` exceeded. kIo, kTls: writing failed.
  //          kCancelled: the shard ends. kClosed: abort() or close() was called here.
  ReadableWait readable() noexcept { return ReadableWait(*this); }

  // Reads what is there, at most `into`, without waiting.
  //
  // Returns  the number of bytes; 0: it would block, or the rate is used up.
  // Errors   kClosed: the peer has ended the connection; was_truncated() says whether it did so
  //          without TLS's close_notify. kTls, kIo. And those of readable().
  Result<std::size_t> read_some(std::span<char> into);

  // Queues `bytes`; they are sent at the end of the turn, or now when more than 64 KiB wait. Never
  // fails here: a connection that cannot send fails its reader. Dropped after a failure or close().
  void write(std::string_view bytes);
  std::size_t unsent_bytes() const noexcept { return output_.size() - output_sent_; }

  // Waits until no more than `at_most` bytes are unsent: for sending files. Errors: as readable().
  Task<Result<>> drained(std::size_t at_most = 0);

  // Starts TLS as the server, after what is queued (<proceed/>) has been sent.
  //
  // `host_hint` the domain in the client's stream header, or empty; counts where SNI is missing.
  // `leftover`  bytes that were read behind <starttls/> and not used. Must be empty.
  // `within`    for the whole handshake, not extended by trickled bytes; an earlier deadline()
  //             counts too.
  // Errors      kTls: the handshake failed, or there was leftover: somebody may have put it in
  // front
  //             of the TLS session (RFC 6120 §5.4.3.3 and its erratum). kTimeout, kClosed, kIo. The
  //             connection is to be dropped then.
  Task<Result<>> start_tls_server(const TlsServerContext& context, std::string host_hint = {},
                                  std::string leftover = {},
                                  std::chrono::milliseconds within = std::chrono::seconds(30));

  // Starts TLS as the client. `name`: the domain asked for, as an A-label, or an address; it is
  // sent as SNI and has to be in the certificate. Else as start_tls_server(); a refused certificate
  // is kTls with a sentence.
  Task<Result<>> start_tls_client(const TlsClientContext& context, std::string name,
                                  std::string leftover = {},
                                  std::chrono::milliseconds within = std::chrono::seconds(30));

  // An absolute deadline, kept through everything: when it passes, whoever waits gets kTimeout. Set
  // again to move it; at most 100 ms late.
  void set_deadline(Instant at);
  void set_deadline_in(std::chrono::milliseconds from_now);
  void clear_deadline();

  // Ends it in order: sends what is queued, close_notify, FIN, and waits for the peer's end, for at
  // most `within` in all. Nobody else may be waiting. The socket is closed afterwards.
  Task<> close(std::chrono::milliseconds within = std::chrono::seconds(5));
  // The same for a connection that nobody needs any more.
  static void close_in_background(ConnectionPtr connection);
  // Closes the socket at once; a waiter gets kClosed at the end of the turn.
  void abort();
  bool is_open() const noexcept { return fd_.is_open() && !failure_; }
  // Whether what is written is sent, and nothing that was written has been given up.
  bool is_sending() const noexcept { return is_open() && !closing_; }
  // Whether the peer's end came without close_notify. Only after read_some() gave kClosed.
  bool was_truncated() const noexcept { return truncated_; }

  // Takes everything out, to adopt() on another shard. Nobody may be waiting. This connection is
  // closed then and good for nothing but its destructor.
  Detached release();

  const SocketAddress& peer() const noexcept { return peer_; }
  SocketAddress local() const;
  Shard& shard() const noexcept { return shard_; }
  const ConnectionOptions& options() const noexcept { return options_; }
  void set_options(const ConnectionOptions& options);

  // Gives the place among the connections of this address back, for instance after authentication.
  void leave_address_limit() noexcept { slot_.reset(); }
  void set_address_slot(std::unique_ptr<AddressSlot> slot) noexcept { slot_ = std::move(slot); }

  bool is_tls() const noexcept { return ssl_ != nullptr && !handshaking_; }
  // Nothing when there is no TLS.
  std::optional<TlsInfo> tls() const;
  // All empty when there is no TLS.
  PeerCertificate peer_certificate() const;
  // The channel binding data. Errors: kNotFound: this connection has none of this type (no TLS; the
  // exporter under TLS 1.2 without extended master secret, RFC 9266 §4.2; a certificate whose
  // signature has no hash, RFC 5929 §4.1).
  Result<std::string> channel_binding(ChannelBinding type) const;

 private:
  friend class ReadableWait;
  struct DrainWait;

  Connection(Shard& shard, Detached detached);

  void on_events(std::uint32_t events) override;
  void on_turn_end() override;
  void on_shutdown() override;

  bool can_go_on() const noexcept;
  bool is_readable() const noexcept;
  bool is_drained() const noexcept;
  Result<> state() const;
  void fail_with(Error error);
  void wake();
  void wake_soon();

  Result<std::size_t> read_plain(std::span<char> into);
  Result<std::size_t> read_tls(std::span<char> into);
  bool take_tokens() noexcept;
  bool throttle() noexcept;

  void flush();
  bool send_plain();
  bool send_tls();
  void send_failed(Error error);
  void watch_for_stall();
  void forget_output();

  Task<Result<>> handshake(SslPtr ssl, std::string leftover, std::chrono::milliseconds within);
  Task<Result<>> drive_handshake();
  Error handshake_error(int system) const;
  Task<> send_close_notify();
  void cancel_timers();

  Shard& shard_;
  FileDescriptor fd_;
  bool readable_ : 1 = true;           // reading has not been seen to block since the last event
  bool writable_ : 1 = true;           // the same for writing
  bool hung_up_ : 1 = false;           // the peer's end is in sight
  bool read_wants_write_ : 1 = false;  // TLS must write before it can read
  bool handshaking_ : 1 = false;
  bool truncated_ : 1 = false;
  bool expired_ : 1 = false;
  bool throttled_ : 1 = false;
  bool closing_ : 1 = false;
  std::unique_ptr<Error> failure_;
  SslPtr ssl_;
  std::string output_;
  std::size_t output_sent_ = 0;
  std::coroutine_handle<> reader_ = nullptr;
  DrainWait* drainer_ = nullptr;
  ConnectionOptions options_;
  // What stands from here on is not looked at for each read and write.
  std::uint64_t deadline_timer_ = 0;
  std::uint64_t stall_timer_ = 0;
  std::uint64_t throttle_timer_ = 0;
  Instant deadline_{};
  std::int64_t read_tokens_ = 0;
  Instant read_tokens_at_{};
  SocketAddress peer_;
  std::unique_ptr<AddressSlot> slot_;
};

}  // namespace balcony
