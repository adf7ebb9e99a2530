#include "net/tls_internal.h"

#include "base/assert.h"
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace balcony::tls {
namespace {

// Forward secrecy and AEAD only: RFC 9325 §4.2, RFC 7590 §3.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

int extra_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* extra, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Extra*>(extra);
      });
  return index;
}

int number_of(TlsVersion version) {
  return version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

BioPtr memory_bio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Keys with a pass phrase are refused instead of asking at the terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

std::string last_error() {
  std::string text = "unknown error";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    const char* reason = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code)) {
      text = "system error " + std::to_string(ERR_GET_REASON(code));
    } else {
      text = reason != nullptr ? reason : "error " + std::to_string(code);
    }
  }
  ERR_clear_error();
  return text;
}

void set_extra(SSL* ssl, std::unique_ptr<Extra> extra) {
  const int done = SSL_set_ex_data(ssl, extra_index(), extra.release());
  BALCONY_ASSERT(done == 1, "no memory for TLS");
}

Extra& extra_of(const SSL* ssl) {
  auto* extra = static_cast<Extra*>(SSL_get_ex_data(ssl, extra_index()));
  BALCONY_ASSERT(extra != nullptr, "an SSL that no context of ours has made");
  return *extra;
}

CtxPtr make_ctx(const SSL_METHOD* method, TlsVersion version_min, TlsVersion version_max) {
  CtxPtr ctx(SSL_CTX_new(method));
  BALCONY_ASSERT(ctx != nullptr, "no memory for TLS");
  SSL_CTX_set_min_proto_version(ctx.get(), number_of(version_min));
  SSL_CTX_set_max_proto_version(ctx.get(), number_of(version_max));
  SSL_CTX_set_cipher_list(ctx.get(), kCiphers12);
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle SSL keeps no buffers; output queues are strings that move as they grow.
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  return ctx;
}

Result<std::string> encode_alpn(const std::vector<std::string>& names) {
  std::string encoded;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return fail(Errc::kConfig, "an ALPN name must have 1 to 255 bytes: '" + name + "'");
    }
    encoded += static_cast<char>(name.size());
    encoded += name;
  }
  return encoded;
}

Result<> load_authorities(SSL_CTX* ctx, const std::string& ca_file) {
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(ctx);
    ERR_clear_error();  // a system without authorities: nothing verifies, and says so then
    return {};
  }
  if (SSL_CTX_load_verify_locations(ctx, ca_file.c_str(), nullptr) != 1) {
    return fail(Errc::kConfig, "no certificates can be read from " + ca_file + ": " + last_error());
  }
  return {};
}

Result<> use_certificate(SSL_CTX* ctx, std::string_view chain_pem, std::string_view key_pem) {
  ERR_clear_error();
  const BioPtr chain = memory_bio(chain_pem);
  const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, no_pass_phrase, nullptr));
  if (!leaf) return fail(Errc::kConfig, "there is no PEM certificate: " + last_error());
  if (SSL_CTX_use_certificate(ctx, leaf.get()) != 1) {
    return fail(Errc::kConfig, "the certificate cannot be used: " + last_error());
  }
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, no_pass_phrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
      X509_free(next);
      return fail(Errc::kConfig, "an intermediate certificate cannot be used: " + last_error());
    }
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  const BioPtr key_text = memory_bio(key_pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_pass_phrase, nullptr));
  if (!key)
    return fail(Errc::kConfig, "there is no PEM private key without pass phrase: " + last_error());
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    return fail(Errc::kConfig,
                "the private key does not belong to the certificate: " + last_error());
  }
  return {};
}

}  // namespace balcony::tls
