#include "base/ascii.h"
#include "net/tls_context.h"
#include "net/tls_internal.h"
#include "net/tls_tickets.h"

#include "base/assert.h"

#include <openssl/err.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

namespace balcony {
namespace {

// As names of hosts are compared: a dot at the end says nothing.
std::string host_key(std::string_view name) {
  std::string result = ascii_lower(name);
  if (result.ends_with('.')) result.pop_back();
  return result;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const auto code = errno == ENOENT ? Errc::kNotFound : Errc::kIo;
    return fail(code, path + " cannot be read: " + std::strerror(errno));
  }
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return fail(Errc::kIo, path + " cannot be read");
  return text;
}

// RFC 6066 §3: the host_name in the server_name extension of a ClientHello; empty when there is
// none or when it is not what the RFC says.
std::string sni_of(SSL* ssl) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1) return {};
  const auto number = [data](std::size_t at) {
    return static_cast<std::size_t>(data[at]) << 8 | data[at + 1];
  };
  constexpr std::size_t kHeader = 5;  // length of the list, type, length of the name
  if (size <= kHeader || number(0) + 2 != size || data[2] != TLSEXT_NAMETYPE_host_name) return {};
  if (number(3) + kHeader > size || number(3) > TLSEXT_MAXLEN_host_name) return {};
  return host_key(std::string_view(reinterpret_cast<const char*>(data) + kHeader, number(3)));
}

}  // namespace

Result<TlsHost> load_tls_host(std::vector<std::string> names, const std::string& chain_path,
                              const std::string& key_path) {
  BALCONY_ASSIGN(std::string chain, read_file(chain_path));
  BALCONY_ASSIGN(std::string key, read_file(key_path));
  TlsHost host;
  host.names = std::move(names);
  host.chain_pem = std::move(chain);
  host.key_pem = std::move(key);
  return host;
}

// One generation of the configuration. Each SSL keeps the one that it was made from.
struct TlsServerContext::State {
  std::shared_ptr<tls::TicketKeys> tickets;
  std::vector<tls::CtxPtr> hosts;
  std::vector<std::string> labels;  // of each host, its first name
  std::map<std::string, SSL_CTX*, std::less<>> by_name;
  std::string alpn;

  SSL_CTX* find(std::string_view name) const {
    if (const auto it = by_name.find(name); it != by_name.end()) return it->second;
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return nullptr;
    // RFC 9525 §6.3: the star stands for exactly one, the left-most label.
    const auto it = by_name.find("*" + std::string(name.substr(dot)));
    return it != by_name.end() ? it->second : nullptr;
  }

  // Runs before anything of the ClientHello is used, so that also tickets are tied to the host.
  static int on_client_hello(SSL* ssl, int*, void* self) {
    const auto& state = *static_cast<const State*>(self);
    tls::Extra& extra = tls::extra_of(ssl);
    extra.name = sni_of(ssl);
    SSL_CTX* host = extra.name.empty() ? nullptr : state.find(extra.name);
    if (host == nullptr) host = state.find(extra.host_hint);
    if (host == nullptr) host = state.hosts.front().get();
    SSL_set_SSL_CTX(ssl, host);
    const auto number = static_cast<std::uint32_t>(
        std::ranges::find(state.hosts, host, &tls::CtxPtr::get) - state.hosts.begin());
    extra.host = state.labels[number];
    take_client_policy(ssl, host);
    SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(&number), sizeof number);
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  static int on_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void* self) {
    const auto& alpn = static_cast<const State*>(self)->alpn;
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(
        &chosen, out_size, reinterpret_cast<const unsigned char*>(alpn.data()),
        static_cast<unsigned>(alpn.size()), offered, offered_size);
    *out = chosen;
    // RFC 7301 §3.2: without a common protocol, a fatal no_application_protocol.
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  // What SSL_set_SSL_CTX() leaves as the first host had it.
  static void take_client_policy(SSL* ssl, SSL_CTX* host) {
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(host), nullptr);
    if ((SSL_CTX_get_options(host) & SSL_OP_NO_TICKET) != 0) {
      SSL_set_options(ssl, SSL_OP_NO_TICKET);
    } else {
      SSL_clear_options(ssl, SSL_OP_NO_TICKET);
    }
    SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(host));
  }

  Result<> add_host(const TlsServerOptions& options, const TlsHost& host);
};

Result<> TlsServerContext::State::add_host(const TlsServerOptions& options, const TlsHost& host) {
  const std::string label = host.names.empty() ? "a host without name" : host.names.front();
  tls::CtxPtr ctx = tls::make_ctx(TLS_server_method(), options.version_min, options.version_max);
  if (auto used = tls::use_certificate(ctx.get(), host.chain_pem, host.key_pem); !used) {
    return fail(Errc::kConfig, label + ": " + used.error().detail);
  }
  SSL_CTX_set_client_hello_cb(ctx.get(), on_client_hello, this);
  if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(ctx.get(), on_alpn, this);
  tls::TicketKeys::attach(ctx.get(), *tickets);
  if (!host.client_ca_file.empty()) {
    auto asks = tls::verify_users(ctx.get(), host.client_ca_file, host.client_crl_file);
    if (!asks) return fail(Errc::kConfig, label + ": " + asks.error().detail);
  } else if (options.request_client_certificate) {
    BALCONY_CHECK(tls::load_authorities(ctx.get(), options.ca_file));
    BALCONY_CHECK(tls::load_revocations(ctx.get(), options.crl_file));
    tls::verify_clients(ctx.get());
  }
  if (SSL_CTX_get_verify_mode(ctx.get()) != SSL_VERIFY_NONE) {
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx.get(), 0);
  }
  for (const std::string& name : host.names) by_name.emplace(host_key(name), ctx.get());
  hosts.push_back(std::move(ctx));
  labels.push_back(host.names.empty() ? "" : host_key(host.names.front()));
  return {};
}

struct TlsServerContext::Shared {
  mutable std::mutex mutex;
  std::shared_ptr<const State> state;
  std::shared_ptr<tls::TicketKeys> tickets = std::make_shared<tls::TicketKeys>();
};

TlsServerContext::TlsServerContext() : shared_(std::make_unique<Shared>()) {}
TlsServerContext::~TlsServerContext() = default;

Result<std::unique_ptr<TlsServerContext>> TlsServerContext::create(TlsServerOptions options) {
  std::unique_ptr<TlsServerContext> context(new TlsServerContext());
  BALCONY_CHECK(context->reload(std::move(options)));
  return context;
}

Result<> TlsServerContext::reload(TlsServerOptions options) {
  if (options.hosts.empty()) return fail(Errc::kConfig, "TLS needs a certificate for one host");
  auto state = std::make_shared<State>();
  state->tickets = shared_->tickets;
  BALCONY_ASSIGN(state->alpn, tls::encode_alpn(options.alpn));
  for (const TlsHost& host : options.hosts) BALCONY_CHECK(state->add_host(options, host));
  const std::lock_guard lock(shared_->mutex);
  shared_->state = std::move(state);
  return {};
}

ssl_st* TlsServerContext::make_ssl(std::string_view host_hint) const {
  std::shared_ptr<const State> state;
  {
    const std::lock_guard lock(shared_->mutex);
    state = shared_->state;
  }
  SSL* ssl = SSL_new(state->hosts.front().get());
  BALCONY_ASSERT(ssl != nullptr, "no memory for TLS");
  auto extra = std::make_unique<tls::Extra>();
  extra->host_hint = host_key(host_hint);
  extra->keeps = std::move(state);
  tls::set_extra(ssl, std::move(extra));
  SSL_set_accept_state(ssl);
  return ssl;
}

}  // namespace balcony
