// The socket under an SSL, as a BIO: recv(2) and send(2) with MSG_NOSIGNAL.
#include "net/tls_internal.h"

#include "base/assert.h"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace balcony::tls {
namespace {

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int write_bytes(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = ::send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int read_bytes(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = ::recv(fd_of(bio), data, static_cast<std::size_t>(size), 0);
  if (n < 0 && would_block()) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
  }
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* result =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "balcony");
    BALCONY_ASSERT(result != nullptr, "no memory for TLS");
    BIO_meth_set_write(result, write_bytes);
    BIO_meth_set_read(result, read_bytes);
    BIO_meth_set_ctrl(result, control);
    return result;
  }();
  return made;
}

}  // namespace

void set_socket(SSL* ssl, int fd) {
  BIO* bio = BIO_new(method());
  BALCONY_ASSERT(bio != nullptr, "no memory for TLS");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
}

}  // namespace balcony::tls
