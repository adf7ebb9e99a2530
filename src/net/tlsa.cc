#include "net/tlsa.h"

#include "net/certificate.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <vector>

namespace balcony {
namespace {

using Chain = std::vector<tls::X509Ptr>;

std::string_view bytes_of(const unsigned char* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

Chain read_chain(const PeerCertificate& peer) {
  Chain chain;
  for (const std::string& der : peer.chain) {
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    chain.emplace_back(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
    if (!chain.back()) chain.pop_back();
  }
  return chain;
}

// RFC 6698 §2.1.2: what a selector means.
std::string selected(const X509* certificate, std::uint8_t selector) {
  unsigned char* data = nullptr;
  const int size = selector == 0 ? i2d_X509(certificate, &data)
                                 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &data);
  if (size <= 0) return {};
  std::string bytes(bytes_of(data, static_cast<std::size_t>(size)));
  OPENSSL_free(data);
  return bytes;
}

bool fits(const TlsaRecord& record, const X509* certificate) {
  const std::string bytes = selected(certificate, record.selector);
  if (bytes.empty()) return false;
  if (record.matching == 0) return bytes == record.data;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const EVP_MD* hash = record.matching == 1 ? EVP_sha256() : EVP_sha512();
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, hash, nullptr) != 1) return false;
  return bytes_of(digest, size) == record.data;
}

void free_list(STACK_OF(X509) * certificates) {
  sk_X509_free(certificates);
}

// Whether the first of the chain is good, now, by the word of `anchor`, which is one of them.
bool is_signed_by(const Chain& chain, X509* anchor) {
  const tls::Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  const tls::Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  const tls::Owned<STACK_OF(X509), free_list> others(sk_X509_new_null());
  if (!store || !context || !others) return false;
  X509_STORE_add_cert(store.get(), anchor);
  // RFC 7671 §5.2: the anchor need not be the root of anything.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  for (const auto& each : chain) sk_X509_push(others.get(), each.get());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others.get()) != 1) {
    return false;
  }
  X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(context.get()), X509_PURPOSE_ANY);
  return X509_verify_cert(context.get()) == 1;
}

bool has_name(const PeerCertificate& peer, std::span<const std::string> names) {
  const auto certificate = read_certificate(peer.der);
  return certificate && std::ranges::any_of(names, [&](const std::string& name) {
           return certificate_is_for(certificate->names, name, "xmpp-server");
         });
}

bool matches(const TlsaRecord& record, const PeerCertificate& peer, const Chain& chain,
             std::span<const std::string> names) {
  const auto is_it = [&record](const tls::X509Ptr& each) { return fits(record, each.get()); };
  const auto above = std::ranges::find_if(chain, is_it);
  switch (record.usage) {
    case TlsaUsage::kDaneEe: return is_it(chain.front());
    case TlsaUsage::kPkixEe: return peer.trusted && is_it(chain.front()) && has_name(peer, names);
    case TlsaUsage::kPkixTa: return peer.trusted && above != chain.end() && has_name(peer, names);
    case TlsaUsage::kDaneTa:
      return above != chain.end() && is_signed_by(chain, above->get()) && has_name(peer, names);
  }
  return false;
}

}  // namespace

Result<TlsaRecord> parse_tlsa(std::string_view rdata) {
  constexpr std::size_t kNumbers = 3;
  if (rdata.size() <= kNumbers) return fail(Errc::kMalformed, "a TLSA record is too short");
  const auto byte = [rdata](std::size_t at) { return static_cast<unsigned char>(rdata[at]); };
  if (byte(0) > 3 || byte(1) > 1 || byte(2) > 2) {
    return fail(Errc::kMalformed, "a TLSA record of a kind that is not known");
  }
  TlsaRecord record;
  record.usage = static_cast<TlsaUsage>(byte(0));
  record.selector = byte(1);
  record.matching = byte(2);
  record.data = rdata.substr(kNumbers);
  const std::size_t digest = record.matching == 1 ? 32 : 64;
  if (record.matching != 0 && record.data.size() != digest) {
    return fail(Errc::kMalformed, "a TLSA record whose digest has a wrong length");
  }
  return record;
}

std::string tlsa_name(std::uint16_t port, std::string_view host) {
  return "_" + std::to_string(port) + "._tcp." + std::string(host);
}

DaneVerdict match_tlsa(std::span<const TlsaRecord> records, const PeerCertificate& peer,
                       std::span<const std::string> names) {
  if (records.empty()) return DaneVerdict::kNone;
  const Chain chain = read_chain(peer);
  if (chain.empty()) return DaneVerdict::kMismatch;
  const bool found = std::ranges::any_of(
      records, [&](const TlsaRecord& record) { return matches(record, peer, chain, names); });
  ERR_clear_error();
  return found ? DaneVerdict::kMatches : DaneVerdict::kMismatch;
}

}  // namespace balcony
