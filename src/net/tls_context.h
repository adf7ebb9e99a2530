// TLS as it is configured: TlsServerContext for our hosts, TlsClientContext for going out.
//
// TLS 1.2 or better, ciphers with forward secrecy and authenticated encryption only, no
// renegotiation, no compression, no early data (RFC 9325, RFC 7590). The server keeps no session
// cache; it gives out tickets whose keys change every 12 hours and stay over a reload.
//
// Threads: all functions from any thread. A context may be destroyed while connections that were
// made with it go on.
#pragma once

#include <balcony/result.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

namespace balcony {

enum class TlsVersion : unsigned char { kTls12, kTls13 };

// A certificate with its key, and the names under which it is shown.
struct TlsHost {
  // A-labels (RFC 5890), any case; "*.example.org" serves one label in the place of the star. The
  // first host of a context serves clients that name no host or an unknown one.
  std::vector<std::string> names;
  std::string chain_pem;  // the certificate, then the intermediate ones
  std::string key_pem;
  // PEM with the authorities of this host's users: clients are asked for a certificate (EXTERNAL),
  // none is required, any is accepted, and PeerCertificate says whether it is valid. Empty: nobody
  // is asked. Such a host gives no tickets: each certificate is checked when it is used.
  std::string client_ca_file;
  std::string client_crl_file;  // PEM with the lists of those that are revoked; may be empty
};

// Reads a TlsHost from two PEM files. Errors: kNotFound, kIo, with the path.
Result<TlsHost> load_tls_host(std::vector<std::string> names, const std::string& chain_path,
                              const std::string& key_path);

struct TlsServerOptions {
  std::vector<TlsHost> hosts;  // at least one
  // Offered by ALPN in order of preference: "xmpp-client", "xmpp-server" (XEP-0368), "http/1.1".
  // A client that offers others only is refused (RFC 7301 §3.2); empty: ALPN is ignored.
  std::vector<std::string> alpn;
  // Ask for a certificate (s2s, EXTERNAL). Any is accepted; whether it is valid stands in
  // PeerCertificate. Such contexts give no tickets: each certificate is checked when it is used.
  bool request_client_certificate = false;
  std::string ca_file;   // PEM with trusted authorities; empty: those of the system
  std::string crl_file;  // PEM with the lists of what they have revoked; empty: none is looked at
  TlsVersion version_min = TlsVersion::kTls12;
  TlsVersion version_max = TlsVersion::kTls13;
};

class TlsServerContext {
 public:
  // Errors: kConfig; the detail says which host and why (no certificate, key does not fit, …).
  static Result<std::unique_ptr<TlsServerContext>> create(TlsServerOptions options);
  ~TlsServerContext();

  // New handshakes use the new options from now on; those under way end with the old ones. On
  // error nothing has changed.
  Result<> reload(TlsServerOptions options);

  // For Connection: a new SSL, without descriptor, in the accepting state. `host_hint` is used
  // when the client sends no SNI: the `to` of its stream header. Never null but without memory.
  ssl_st* make_ssl(std::string_view host_hint) const;

 private:
  struct State;
  struct Shared;
  TlsServerContext();
  std::unique_ptr<Shared> shared_;
};

// What a client does with a certificate that is not valid for the name.
enum class TlsVerify : unsigned char {
  kRequire,  // refuses the connection
  kReport,   // goes on; PeerCertificate says what is wrong (s2s before dialback)
};

struct TlsClientOptions {
  TlsVerify verify = TlsVerify::kRequire;
  std::string ca_file;   // PEM with trusted authorities; empty: those of the system
  std::string crl_file;  // PEM with the lists of what they have revoked; empty: none is looked at
  // SHA-256 of the server's certificate (DER), in hexadecimal, colons allowed. When given, exactly
  // this certificate is accepted, and neither authorities, name nor time are looked at.
  std::string pinned_sha256;
  std::vector<std::string> alpn;  // offered, in order of preference
  std::string certificate_pem;    // our own certificate (EXTERNAL, s2s), with key_pem; may be empty
  std::string key_pem;
  TlsVersion version_min = TlsVersion::kTls12;
  TlsVersion version_max = TlsVersion::kTls13;
};

class TlsClientContext {
 public:
  // Errors: kConfig, with a sentence.
  static Result<std::unique_ptr<TlsClientContext>> create(TlsClientOptions options);
  ~TlsClientContext();

  // For Connection: a new SSL in the connecting state that sends `name` as SNI (unless it is an
  // address) and expects a certificate for it.
  ssl_st* make_ssl(std::string_view name) const;

 private:
  struct Shared;
  TlsClientContext();
  std::shared_ptr<Shared> shared_;
};

}  // namespace balcony
