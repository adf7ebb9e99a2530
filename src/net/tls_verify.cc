// How certificates of peers are verified, and the sentences for what is wrong with them.
#include "net/certificate.h"
#include "net/connection.h"
#include "net/tls_context.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace balcony {
namespace tls {
namespace {

std::string der_of(const X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

bool is_pinned(const X509* certificate, std::string_view pinned) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return false;
  return std::string_view(reinterpret_cast<const char*>(digest), size) == pinned;
}

// Replaces the wish of OpenSSL's stock check; what is left in the store context as its error
// becomes SSL_get_verify_result() and the alert.
bool verify_server(X509_STORE_CTX* store, const Extra& extra) {
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (!extra.pinned.empty()) {
    const bool is_it = is_pinned(leaf, extra.pinned);
    X509_STORE_CTX_set_error(store, is_it ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return is_it;
  }
  if (X509_verify_cert(store) != 1) {
    if (X509_STORE_CTX_get_error(store) == X509_V_OK) {
      X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    }
    return false;
  }
  const auto certificate = read_certificate(der_of(leaf));
  const bool is_for_name =
      certificate && (certificate_is_for(certificate->names, extra.name, "xmpp-client") ||
                      certificate_is_for(certificate->names, extra.name, "xmpp-server"));
  if (!is_for_name) X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return is_for_name;
}

const SSL* ssl_of(X509_STORE_CTX* store) {
  return static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

int on_server_certificate(X509_STORE_CTX* store, void*) {
  const Extra& extra = extra_of(ssl_of(store));
  const bool is_good = verify_server(store, extra);
  ERR_clear_error();
  return is_good || extra.verify == TlsVerify::kReport ? 1 : 0;
}

int on_client_certificate(X509_STORE_CTX* store, void*) {
  // Authorities have ceased to mark server certificates for use as a client; between servers they
  // are both (XEP-0178 §3).
  X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(store), X509_PURPOSE_ANY);
  if (X509_verify_cert(store) != 1 && X509_STORE_CTX_get_error(store) == X509_V_OK) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  }
  ERR_clear_error();
  return 1;  // whoever needs a valid certificate looks at PeerCertificate
}

// RFC 6120 §13.7.1.1: unlike servers' certificates, users' are meant for clients, if they say what
// for.
int on_user_certificate(X509_STORE_CTX* store, void*) {
  if (X509_verify_cert(store) != 1 && X509_STORE_CTX_get_error(store) == X509_V_OK) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  }
  ERR_clear_error();
  return 1;  // it is for the login to refuse it, in words that the client understands
}

// Between servers of the whole world nobody has the lists of all authorities.
int on_missing_list(int is_good, X509_STORE_CTX* store) {
  if (X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL) return is_good;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

Result<> add_lists(SSL_CTX* ctx, const std::string& crl_file) {
  if (crl_file.empty()) return {};
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (lookup == nullptr || X509_load_crl_file(lookup, crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
    return fail(Errc::kConfig,
                "no revocation list can be read from " + crl_file + ": " + last_error());
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

CertificateFault fault_of(long error) {
  switch (error) {
    case X509_V_OK: return CertificateFault::kNone;
    case X509_V_ERR_HOSTNAME_MISMATCH: return CertificateFault::kWrongName;
    case X509_V_ERR_APPLICATION_VERIFICATION: return CertificateFault::kNotPinned;
    case X509_V_ERR_CERT_HAS_EXPIRED: return CertificateFault::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return CertificateFault::kNotYetValid;
    case X509_V_ERR_CERT_REVOKED: return CertificateFault::kRevoked;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return CertificateFault::kSelfSigned;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return CertificateFault::kUnknownAuthority;
    default: return CertificateFault::kOther;
  }
}

// At a server OpenSSL keeps the peer's own certificate apart from those above it.
std::vector<std::string> chain_of(const SSL* ssl, const std::string& own) {
  std::vector<std::string> chain = {own};
  const STACK_OF(X509)* shown = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    std::string der = der_of(sk_X509_value(shown, i));
    if (der != own) chain.push_back(std::move(der));
  }
  return chain;
}

}  // namespace

Result<> verify_users(SSL_CTX* ctx, const std::string& ca_file, const std::string& crl_file) {
  BALCONY_CHECK(load_authorities(ctx, ca_file));
  // RFC 8446 §4.2.4: so that a client with several certificates knows which one is meant.
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(ca_file.c_str()));
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, on_user_certificate, nullptr);
  return add_lists(ctx, crl_file);
}

Result<> load_revocations(SSL_CTX* ctx, const std::string& crl_file) {
  BALCONY_CHECK(add_lists(ctx, crl_file));
  X509_STORE_set_verify_cb(SSL_CTX_get_cert_store(ctx), on_missing_list);
  return {};
}

void verify_servers(SSL_CTX* ctx) {
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, on_server_certificate, nullptr);
}

void verify_clients(SSL_CTX* ctx) {
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, on_client_certificate, nullptr);
}

std::string verify_sentence(const SSL* ssl) {
  const long error = SSL_get_verify_result(ssl);
  const bool is_client = SSL_is_server(ssl) == 0;
  const std::string whose =
      is_client ? "the certificate of " + extra_of(ssl).name : "its certificate";
  switch (fault_of(error)) {
    case CertificateFault::kNone: return {};
    case CertificateFault::kWrongName: return whose + " is for other names";
    case CertificateFault::kNotPinned: return whose + " is not the pinned one";
    case CertificateFault::kExpired: return whose + " or one above it has expired";
    case CertificateFault::kRevoked: return whose + " has been revoked";
    case CertificateFault::kNotYetValid: return whose + " or one above it is not valid yet";
    case CertificateFault::kSelfSigned: return whose + " is signed by itself and not trusted";
    case CertificateFault::kUnknownAuthority:
      return whose + " comes from an authority that is not trusted, or its chain is incomplete";
    default: return whose + " is not valid: " + X509_verify_cert_error_string(error);
  }
}

PeerCertificate peer_certificate_of(const SSL* ssl) {
  PeerCertificate result;
  const X509Ptr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) {
    result.error = "the peer showed no certificate";
    return result;
  }
  result.host = extra_of(ssl).host;
  result.der = der_of(certificate.get());
  result.chain = chain_of(ssl, result.der);
  result.fault = fault_of(SSL_get_verify_result(ssl));
  // The name is looked at last, and only where we connected.
  result.trusted =
      result.fault == CertificateFault::kNone || result.fault == CertificateFault::kWrongName;
  result.error = verify_sentence(ssl);
  result.verified = result.error.empty();
  return result;
}

}  // namespace tls
std::string_view to_string(CertificateFault fault) noexcept {
  switch (fault) {
    case CertificateFault::kNone: return "none";
    case CertificateFault::kMissing: return "missing";
    case CertificateFault::kExpired: return "expired";
    case CertificateFault::kNotYetValid: return "not-yet-valid";
    case CertificateFault::kRevoked: return "revoked";
    case CertificateFault::kSelfSigned: return "self-signed";
    case CertificateFault::kUnknownAuthority: return "unknown-authority";
    case CertificateFault::kWrongName: return "wrong-name";
    case CertificateFault::kNotPinned: return "not-pinned";
    case CertificateFault::kOther: return "other";
  }
  return {};
}

}  // namespace balcony
