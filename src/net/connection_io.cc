// Bytes in and out of a connection.
#include "net/connection.h"
#include "net/reactor.h"
#include "net/shard.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace balcony {
namespace {

constexpr std::size_t kFlushBytes = 64u << 10;

Error system_error(int number) {
  const std::string why = std::strerror(number);
  const bool is_peers_end = number == ECONNRESET || number == EPIPE || number == ETIMEDOUT;
  return Error(is_peers_end ? Errc::kClosed : Errc::kIo, "the connection broke: " + why);
}

}  // namespace

Result<std::size_t> Connection::read_some(std::span<char> into) {
  BALCONY_CHECK(state());
  if (into.empty() || !take_tokens()) return 0;
  if (!(read_wants_write_ ? writable_ : readable_)) return 0;
  auto n = ssl_ ? read_tls(into) : read_plain(into);
  if (n && options_.read_bytes_per_second != 0) read_tokens_ -= static_cast<std::int64_t>(*n);
  return n;
}

Result<std::size_t> Connection::read_plain(std::span<char> into) {
  const auto n = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (n > 0) {
    // epoll(7): less than was asked for means that the socket is empty, until the next event. But
    // behind the last bytes of a peer that has gone its end is to be read.
    if (static_cast<std::size_t>(n) < into.size() && !hung_up_) readable_ = false;
    return static_cast<std::size_t>(n);
  }
  if (n == 0) return fail(Errc::kClosed, "the peer has closed the connection");
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    readable_ = errno == EINTR;
    return 0;
  }
  fail_with(system_error(errno));
  return fail(*failure_);
}

Result<std::size_t> Connection::read_tls(std::span<char> into) {
  ERR_clear_error();
  errno = 0;
  const int size = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  const int n = SSL_read(ssl_.get(), into.data(), size);
  read_wants_write_ = false;
  if (n > 0) return static_cast<std::size_t>(n);
  const int system = errno;
  switch (SSL_get_error(ssl_.get(), n)) {
    case SSL_ERROR_WANT_READ: readable_ = false; return 0;
    case SSL_ERROR_WANT_WRITE:
      // The answer to a key update has no room in the socket; until it has, nothing can be read.
      writable_ = false;
      read_wants_write_ = true;
      return 0;
    case SSL_ERROR_ZERO_RETURN: return fail(Errc::kClosed, "the peer has closed the TLS session");
    case SSL_ERROR_SYSCALL:
      truncated_ = true;
      fail_with(system_error(system == 0 ? ECONNRESET : system));
      break;
    default:
      if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        // RFC 8446 §6.1: without close_notify somebody else may have cut it short.
        truncated_ = true;
        fail_with(Error(Errc::kClosed, "the connection ended without TLS close_notify"));
      } else {
        fail_with(Error(Errc::kTls, "TLS failed while reading: " + tls::last_error()));
      }
  }
  ERR_clear_error();
  return fail(*failure_);
}

// Whether the rate permits to read now. A token is a byte; one read may overdraw, the wait that
// follows makes up for it.
bool Connection::take_tokens() noexcept {
  if (options_.read_bytes_per_second == 0) return true;
  const std::int64_t rate = options_.read_bytes_per_second;
  const Instant now = shard_.clock().now();
  if (read_tokens_at_ != Instant::min()) {
    const auto passed = std::min(now - read_tokens_at_, Instant::duration(std::chrono::hours(1)));
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
    const std::int64_t earned = micros * rate / 1'000'000;
    if (earned == 0 && read_tokens_ <= 0) return throttle();
    if (earned == 0) return true;
    read_tokens_ = std::min<std::int64_t>(read_tokens_ + earned, options_.read_burst_bytes);
  }
  read_tokens_at_ = now;
  return read_tokens_ > 0 || throttle();
}

bool Connection::throttle() noexcept {
  throttled_ = true;
  if (throttle_timer_ == 0) {
    const std::int64_t rate = options_.read_bytes_per_second;
    const std::int64_t wait_ms = (1 - read_tokens_) * 1000 / rate + 1;
    throttle_timer_ = shard_.after(std::chrono::milliseconds(wait_ms), [this] {
      throttle_timer_ = 0;
      throttled_ = false;
      wake_soon();
    });
  }
  return false;
}

void Connection::write(std::string_view bytes) {
  if (failure_ || closing_ || !fd_.is_open() || bytes.empty()) return;
  if (output_.empty()) output_ = shard_.take_string();
  if (output_sent_ > kFlushBytes && output_sent_ >= output_.size() / 2) {
    output_.erase(0, std::exchange(output_sent_, 0));
  }
  output_.append(bytes);
  if (unsent_bytes() >= kFlushBytes) flush();
  if (unsent_bytes() > options_.output_bytes_max) {
    fail_with(Error(Errc::kOverloaded, "the peer reads too slowly: its output queue is full"));
  } else if (unsent_bytes() > 0 && writable_) {
    shard_.reactor().at_end_of_turn(*this);
  }
}

void Connection::flush() {
  if (handshaking_ || failure_ || !fd_.is_open()) return;
  const std::size_t before = unsent_bytes();
  if (before == 0) return;
  while (unsent_bytes() > 0 && writable_) {
    if (!(ssl_ ? send_tls() : send_plain())) break;
  }
  if (failure_) return;
  if (unsent_bytes() == 0) {
    forget_output();
  } else if (unsent_bytes() < before || stall_timer_ == 0) {
    watch_for_stall();
  }
}

// Both send functions return whether it makes sense to go on at once.
bool Connection::send_plain() {
  const auto n = ::send(fd_.get(), output_.data() + output_sent_, unsent_bytes(), MSG_NOSIGNAL);
  if (n >= 0) {
    output_sent_ += static_cast<std::size_t>(n);
    return true;
  }
  if (errno == EINTR) return true;
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    writable_ = false;
  } else {
    send_failed(system_error(errno));
  }
  return false;
}

bool Connection::send_tls() {
  ERR_clear_error();
  errno = 0;
  const int size = static_cast<int>(std::min<std::size_t>(unsent_bytes(), INT_MAX));
  const int n = SSL_write(ssl_.get(), output_.data() + output_sent_, size);
  if (n > 0) {
    output_sent_ += static_cast<std::size_t>(n);
    return true;
  }
  const int system = errno;
  switch (SSL_get_error(ssl_.get(), n)) {
    case SSL_ERROR_WANT_WRITE: writable_ = false; break;
    case SSL_ERROR_WANT_READ: break;  // tried again at the next event
    case SSL_ERROR_SYSCALL: send_failed(system_error(system == 0 ? EPIPE : system)); break;
    default: send_failed(Error(Errc::kTls, "TLS failed while writing: " + tls::last_error()));
  }
  ERR_clear_error();
  return false;
}

// What the peer had sent before it went may still lie unread; who reads gets it, then the end.
void Connection::send_failed(Error error) {
  if (error.code == Errc::kClosed && readable_) {
    closing_ = true;
    forget_output();
    return;
  }
  fail_with(std::move(error));
}

void Connection::watch_for_stall() {
  shard_.cancel(std::exchange(stall_timer_, 0));
  if (options_.stalled_after.count() == 0) return;
  stall_timer_ = shard_.after(options_.stalled_after, [this] {
    stall_timer_ = 0;
    fail_with(Error(Errc::kTimeout, "the peer has taken no output for too long"));
  });
}

void Connection::forget_output() {
  if (stall_timer_ != 0) shard_.cancel(std::exchange(stall_timer_, 0));
  output_sent_ = 0;
  shard_.give_string(std::exchange(output_, {}));
}

}  // namespace balcony
