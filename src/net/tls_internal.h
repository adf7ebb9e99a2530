// What the TLS files of net/ share: owners of OpenSSL objects, sentences for errors, the socket
// under an SSL. For net/*.cc only.
#pragma once

#include "net/tls_info.h"

#include <balcony/result.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony {

enum class TlsVersion : unsigned char;
enum class TlsVerify : unsigned char;

namespace tls {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
template <class T, auto kFree>
using Owned = std::unique_ptr<T, Freed<kFree>>;

using CtxPtr = Owned<SSL_CTX, SSL_CTX_free>;
using X509Ptr = Owned<X509, X509_free>;
using KeyPtr = Owned<EVP_PKEY, EVP_PKEY_free>;
using BioPtr = Owned<BIO, BIO_free_all>;

// The newest reason in OpenSSL's error queue of this thread, in words; empties the queue.
std::string last_error();

// What we keep beside an SSL, for as long as it lives.
struct Extra {
  std::shared_ptr<const void> keeps;  // the state of the context that it was made from
  std::string name;                   // server: the SNI that came; client: the name asked for
  std::string host_hint;              // server: used without SNI
  std::string host;                   // server: the first name of the host that was chosen
  TlsVerify verify{};                 // client
  std::string pinned;                 // client: SHA-256 of the one certificate, 32 bytes or empty
};
void set_extra(SSL* ssl, std::unique_ptr<Extra> extra);
Extra& extra_of(const SSL* ssl);

// Settings that both ends have: versions, ciphers, modes.
CtxPtr make_ctx(const SSL_METHOD* method, TlsVersion version_min, TlsVersion version_max);

// The list in the form of RFC 7301 §3.1: each name behind its length. Names of 1 to 255 bytes.
Result<std::string> encode_alpn(const std::vector<std::string>& names);

// Loads trusted authorities from `ca_file`, or those of the system when it is empty.
Result<> load_authorities(SSL_CTX* ctx, const std::string& ca_file);

// Installs a chain and its key. Errors: kConfig.
Result<> use_certificate(SSL_CTX* ctx, std::string_view chain_pem, std::string_view key_pem);

// Puts `ssl` on a connected non-blocking socket, which stays the caller's. Like SSL_set_fd, but a
// write to a closed connection is an error and no SIGPIPE.
void set_socket(SSL* ssl, int fd);

// Certificates that are on the lists in `crl_file` are refused from now on; of authorities without
// a list, nothing is. Nothing where it is empty. Errors: kConfig.
Result<> load_revocations(SSL_CTX* ctx, const std::string& crl_file);

// Sets how certificates of peers are verified: see tls_verify.cc.
void verify_servers(SSL_CTX* ctx);
void verify_clients(SSL_CTX* ctx);
// Asks users for certificates of the authorities in `ca_file`, which are not on the revocation
// lists in `crl_file` (unless that is empty). Errors: kConfig.
Result<> verify_users(SSL_CTX* ctx, const std::string& ca_file, const std::string& crl_file);

// What is wrong with the peer's certificate, as a sentence; empty: nothing.
std::string verify_sentence(const SSL* ssl);
PeerCertificate peer_certificate_of(const SSL* ssl);

}  // namespace tls
}  // namespace balcony
