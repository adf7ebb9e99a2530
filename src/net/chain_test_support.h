// A certificate with an authority above it, and DER of PEM, for tests.
#pragma once

#include "net/tls_internal.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>

namespace balcony::test {

inline std::string der_of(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

inline std::string der_of(const std::string& pem) {
  const tls::BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const tls::X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  return der_of(certificate.get());
}

// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
inline std::string public_key_of(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const tls::X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  unsigned char* data = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &data);
  std::string key(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return key;
}

struct Chain {
  std::string leaf_der;
  std::string authority_der;
  std::string chain_pem;  // the certificate alone
  std::string key_pem;    // its key
  std::string authority_pem;
  std::string revoked_pem;  // a list of the authority that has the certificate on it
};

namespace chain {

inline void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Valid from two hours ago until `seconds` from now.
inline tls::X509Ptr begin(const char* name, X509_NAME* issuer, EVP_PKEY* key, long serial,
                          long seconds) {
  tls::X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(made.get(), issuer ? issuer : X509_get_subject_name(made.get()));
  X509_set_pubkey(made.get(), key);
  return made;
}

template <class Write>
std::string pem(Write write) {
  const tls::BioPtr out(BIO_new(BIO_s_mem()));
  write(out.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

inline std::string revoke(X509* authority, EVP_PKEY* key, long serial) {
  const tls::Owned<X509_CRL, X509_CRL_free> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority));
  const tls::Owned<ASN1_TIME, ASN1_TIME_free> now(X509_gmtime_adj(nullptr, -60));
  const tls::Owned<ASN1_TIME, ASN1_TIME_free> later(X509_gmtime_adj(nullptr, 3600));
  X509_CRL_set1_lastUpdate(list.get(), now.get());
  X509_CRL_set1_nextUpdate(list.get(), later.get());
  X509_REVOKED* entry = X509_REVOKED_new();
  const tls::Owned<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
  ASN1_INTEGER_set(number.get(), serial);
  X509_REVOKED_set_serialNumber(entry, number.get());
  X509_REVOKED_set_revocationDate(entry, now.get());
  X509_CRL_add0_revoked(list.get(), entry);
  X509_CRL_sign(list.get(), key, EVP_sha256());
  return pem([&](BIO* out) { PEM_write_bio_X509_CRL(out, list.get()); });
}

}  // namespace chain

// For the server of `domain`; it ends `seconds` from now, below zero: in the past.
inline Chain make_chain(const std::string& domain, long seconds = 3600) {
  const tls::KeyPtr authority_key(EVP_EC_gen("P-256"));
  const tls::KeyPtr key(EVP_EC_gen("P-256"));
  const std::string name = "authority of " + domain;
  const auto authority = chain::begin(name.c_str(), nullptr, authority_key.get(), 1, 7200);
  chain::extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  chain::extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(authority.get(), authority_key.get(), EVP_sha256());
  const auto leaf =
      chain::begin("server", X509_get_subject_name(authority.get()), key.get(), 2, seconds);
  chain::extend(leaf.get(), authority.get(), NID_subject_alt_name, "DNS:" + domain);
  X509_sign(leaf.get(), authority_key.get(), EVP_sha256());
  Chain made;
  made.leaf_der = der_of(leaf.get());
  made.authority_der = der_of(authority.get());
  made.chain_pem = chain::pem([&](BIO* out) { PEM_write_bio_X509(out, leaf.get()); });
  made.authority_pem = chain::pem([&](BIO* out) { PEM_write_bio_X509(out, authority.get()); });
  made.key_pem = chain::pem([&](BIO* out) {
    PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  made.revoked_pem = chain::revoke(authority.get(), authority_key.get(), 2);
  return made;
}

}  // namespace balcony::test
