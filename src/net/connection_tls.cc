// TLS on a connection: handshakes, close_notify, and what a handshake has brought.
#include "net/connection.h"
#include "net/reactor.h"
#include "net/shard.h"
#include "net/tls_context.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace balcony {

void SslFree::operator()(ssl_st* ssl) const noexcept {
  SSL_free(ssl);
}

Task<Result<>> Connection::start_tls_server(const TlsServerContext& context, std::string host_hint,
                                            std::string leftover,
                                            std::chrono::milliseconds within) {
  return handshake(SslPtr(context.make_ssl(host_hint)), std::move(leftover), within);
}

Task<Result<>> Connection::start_tls_client(const TlsClientContext& context, std::string name,
                                            std::string leftover,
                                            std::chrono::milliseconds within) {
  return handshake(SslPtr(context.make_ssl(name)), std::move(leftover), within);
}

Task<Result<>> Connection::handshake(SslPtr ssl, std::string leftover,
                                     std::chrono::milliseconds within) {
  BALCONY_CO_CHECK(state());
  if (!leftover.empty()) {
    // RFC 6120 §5.4.3.3: what came before TLS must not take effect inside of it.
    fail_with(Error(Errc::kTls, "plaintext followed the agreement to start TLS"));
    co_return fail(*failure_);
  }
  if (ssl_) co_return fail(Errc::kTls, "TLS has been started already");
  const bool had_deadline = deadline_timer_ != 0;
  const Instant deadline_before = deadline_;
  const Instant limit = shard_.clock().now() + within;
  if (!had_deadline || limit < deadline_before) set_deadline(limit);
  BALCONY_CO_CHECK(co_await drained());
  tls::set_socket(ssl.get(), fd_.get());
  ssl_ = std::move(ssl);
  handshaking_ = true;
  auto done = co_await drive_handshake();
  handshaking_ = false;
  if (!done) {
    if (done.error().code != Errc::kTimeout) fail_with(done.error());
    co_return done;
  }
  readable_ = true;  // what came with the last flight lies in OpenSSL
  clear_deadline();
  if (had_deadline) set_deadline(deadline_before);
  if (unsent_bytes() > 0) shard_.reactor().at_end_of_turn(*this);
  co_return done;
}

Task<Result<>> Connection::drive_handshake() {
  for (;;) {
    BALCONY_CO_CHECK(state());
    ERR_clear_error();
    errno = 0;
    const int n = SSL_do_handshake(ssl_.get());
    const int system = errno;
    read_wants_write_ = false;
    if (n == 1) co_return {};
    switch (SSL_get_error(ssl_.get(), n)) {
      case SSL_ERROR_WANT_READ: readable_ = false; break;
      case SSL_ERROR_WANT_WRITE:
        writable_ = false;
        read_wants_write_ = true;
        break;
      default: co_return fail(handshake_error(system));
    }
    BALCONY_CO_CHECK(co_await readable());
  }
}

Error Connection::handshake_error(int system) const {
  const unsigned long code = ERR_peek_last_error();
  const bool is_eof = code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (is_eof) {
    ERR_clear_error();
    const bool is_broken = system != 0 && system != EAGAIN;
    return Error(Errc::kClosed, is_broken ? "the connection broke during the TLS handshake"
                                          : "the peer left during the TLS handshake");
  }
  std::string why;
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    why = tls::verify_sentence(ssl_.get());
  }
  const std::string reason = tls::last_error();
  return Error(Errc::kTls, why.empty() ? "the TLS handshake failed: " + reason : why);
}

Task<> Connection::send_close_notify() {
  for (;;) {
    ERR_clear_error();
    const int n = SSL_shutdown(ssl_.get());
    const int error = n < 0 ? SSL_get_error(ssl_.get(), n) : SSL_ERROR_NONE;
    ERR_clear_error();
    if (error != SSL_ERROR_WANT_WRITE) co_return;
    writable_ = false;
    read_wants_write_ = true;
    auto ready = co_await readable();
    read_wants_write_ = false;
    if (!ready) co_return;
  }
}

std::optional<TlsInfo> Connection::tls() const {
  if (!is_tls()) return std::nullopt;
  TlsInfo info;
  info.version = SSL_get_version(ssl_.get());
  info.cipher = SSL_get_cipher_name(ssl_.get());
  const tls::Extra& extra = tls::extra_of(ssl_.get());
  const char* sent = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  info.sni = SSL_is_server(ssl_.get()) != 0 ? extra.name : sent != nullptr ? sent : "";
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &alpn, &alpn_size);
  if (alpn != nullptr) info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  info.resumed = SSL_session_reused(ssl_.get()) != 0;
  return info;
}

PeerCertificate Connection::peer_certificate() const {
  if (!is_tls()) return {};
  return tls::peer_certificate_of(ssl_.get());
}

namespace {

// RFC 9266 §4.1: the label, no context, 32 bytes.
Result<std::string> exporter_binding(SSL* ssl) {
  if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) {
    // RFC 9266 §4.2: without extended master secret the value is not bound to one channel.
    return fail(Errc::kNotFound, "this TLS 1.2 session has no extended master secret");
  }
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::string binding(32, '\0');
  const int done =
      SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(binding.data()),
                                 binding.size(), kLabel.data(), kLabel.size(), nullptr, 0, 1);
  if (done != 1) return fail(Errc::kTls, "no key material can be exported: " + tls::last_error());
  return binding;
}

// RFC 5929 §4.1: the server's certificate, hashed as in its signature, but with SHA-256 for MD5 and
// SHA-1.
Result<std::string> end_point_binding(SSL* ssl) {
  const tls::X509Ptr peer(SSL_is_server(ssl) != 0 ? nullptr : SSL_get1_peer_certificate(ssl));
  const X509* certificate = peer ? peer.get() : SSL_get_certificate(ssl);
  if (certificate == nullptr) return fail(Errc::kNotFound, "the server showed no certificate");
  int hash = NID_undef;
  int key = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(certificate), &hash, &key, nullptr, nullptr) != 1 ||
      hash == NID_undef) {
    ERR_clear_error();
    return fail(Errc::kNotFound, "the signature of the server's certificate has no hash");
  }
  if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
  const EVP_MD* digest = EVP_get_digestbynid(hash);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, bytes, &size) != 1) {
    ERR_clear_error();
    return fail(Errc::kNotFound, "the hash of the certificate's signature is not known");
  }
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

// RFC 5929 §3.1: the first Finished message of the handshake: the client's, or the server's when a
// TLS 1.2 session was resumed.
//
// COMPAT(slixmpp 1.8, 2022): RFC 9266 does away with this type for TLS 1.3, where it is not
// defined. Clients that never heard of that use the same message all the same, and it binds as
// well: it is a MAC over a transcript that has both sides' keys in it.
Result<std::string> unique_binding(SSL* ssl) {
  if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) {
    return fail(Errc::kNotFound, "this TLS 1.2 session has no extended master secret");
  }
  const bool server = SSL_is_server(ssl) != 0;
  const bool resumed = SSL_session_reused(ssl) != 0;
  char bytes[EVP_MAX_MD_SIZE];
  const std::size_t size = server != resumed ? SSL_get_peer_finished(ssl, bytes, sizeof bytes)
                                             : SSL_get_finished(ssl, bytes, sizeof bytes);
  if (size == 0 || size > sizeof bytes) {
    return fail(Errc::kNotFound, "the handshake's Finished message is not known");
  }
  return std::string(bytes, size);
}

}  // namespace

Result<std::string> Connection::channel_binding(ChannelBinding type) const {
  if (!is_tls()) return fail(Errc::kNotFound, "there is no TLS to bind to");
  switch (type) {
    case ChannelBinding::kTlsExporter: return exporter_binding(ssl_.get());
    case ChannelBinding::kTlsServerEndPoint: return end_point_binding(ssl_.get());
    case ChannelBinding::kTlsUnique: break;
  }
  return unique_binding(ssl_.get());
}

}  // namespace balcony
