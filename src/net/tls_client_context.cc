#include "net/socket_address.h"
#include "net/tls_context.h"
#include "net/tls_internal.h"

#include "base/assert.h"
#include "base/base64.h"

namespace balcony {

struct TlsClientContext::Shared {
  tls::CtxPtr ctx;
  TlsVerify verify = TlsVerify::kRequire;
  std::string pinned;
};

TlsClientContext::TlsClientContext() : shared_(std::make_shared<Shared>()) {}
TlsClientContext::~TlsClientContext() = default;

Result<std::unique_ptr<TlsClientContext>> TlsClientContext::create(TlsClientOptions options) {
  std::unique_ptr<TlsClientContext> context(new TlsClientContext());
  Shared& shared = *context->shared_;
  shared.ctx = tls::make_ctx(TLS_client_method(), options.version_min, options.version_max);
  shared.verify = options.verify;
  SSL_CTX* ctx = shared.ctx.get();
  std::erase(options.pinned_sha256, ':');
  const auto pinned = hex_decode(options.pinned_sha256);
  if (!pinned || (pinned->size() != 32 && !pinned->empty())) {
    return fail(Errc::kConfig, "a pinned fingerprint must be 64 hexadecimal digits of SHA-256");
  }
  shared.pinned = *pinned;
  BALCONY_CHECK(tls::load_authorities(ctx, options.ca_file));
  BALCONY_CHECK(tls::load_revocations(ctx, options.crl_file));
  if (!options.certificate_pem.empty()) {
    BALCONY_CHECK(tls::use_certificate(ctx, options.certificate_pem, options.key_pem));
  }
  BALCONY_ASSIGN(const std::string alpn, tls::encode_alpn(options.alpn));
  if (!alpn.empty()) {
    SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
  }
  tls::verify_servers(ctx);
  return context;
}

ssl_st* TlsClientContext::make_ssl(std::string_view name) const {
  SSL* ssl = SSL_new(shared_->ctx.get());
  BALCONY_ASSERT(ssl != nullptr, "no memory for TLS");
  auto extra = std::make_unique<tls::Extra>();
  extra->name = name;
  if (extra->name.ends_with('.')) extra->name.pop_back();
  extra->verify = shared_->verify;
  extra->pinned = shared_->pinned;
  extra->keeps = shared_;
  // RFC 6066 §3: literal addresses are not permitted as names.
  const bool is_address = SocketAddress::parse(extra->name, 0).has_value();
  if (!is_address && !extra->name.empty()) {
    SSL_set_tlsext_host_name(ssl, extra->name.c_str());
  }
  tls::set_extra(ssl, std::move(extra));
  SSL_set_connect_state(ssl);
  return ssl;
}

}  // namespace balcony
