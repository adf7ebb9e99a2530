#include "net/certificate.h"

#include "base/ascii.h"
#include "net/socket_address.h"
#include "net/tls_internal.h"

#include "base/base64.h"

#include <netinet/in.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>

namespace balcony {
namespace {

std::string text_of(const ASN1_STRING* value) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
  return std::string(data, static_cast<std::size_t>(ASN1_STRING_length(value)));
}

std::string ip_of(const ASN1_OCTET_STRING* value) {
  sockaddr_storage storage{};
  if (ASN1_STRING_length(value) == 4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, ASN1_STRING_get0_data(value), 4);
    std::memcpy(&storage, &v4, sizeof v4);
  } else if (ASN1_STRING_length(value) == 16) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, ASN1_STRING_get0_data(value), 16);
    std::memcpy(&storage, &v6, sizeof v6);
  } else {
    return {};
  }
  return SocketAddress::from_system(reinterpret_cast<const sockaddr&>(storage)).ip();
}

void add_other_name(const OTHERNAME& other, CertificateNames& names) {
  char oid[64] = {};
  OBJ_obj2txt(oid, sizeof oid, other.type_id, 1);
  const ASN1_TYPE* value = other.value;
  if (value == nullptr) return;
  if (std::string_view(oid) == "1.3.6.1.5.5.7.8.7" && value->type == V_ASN1_IA5STRING) {
    names.srv.push_back(ascii_lower(text_of(value->value.ia5string)));  // RFC 4985 §2
  }
  if (std::string_view(oid) == "1.3.6.1.5.5.7.8.5" && value->type == V_ASN1_UTF8STRING) {
    names.xmpp.push_back(text_of(value->value.utf8string));
  }
}

CertificateNames names_of(const X509* certificate) {
  CertificateNames names;
  const tls::Owned<GENERAL_NAMES, GENERAL_NAMES_free> list(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    if (name->type == GEN_DNS) {
      // A zero byte inside would cut the name for a careless reader; here it never matches.
      names.dns.push_back(ascii_lower(text_of(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      if (auto ip = ip_of(name->d.iPAddress); !ip.empty()) names.ip_addresses.push_back(ip);
    } else if (name->type == GEN_OTHERNAME) {
      add_other_name(*name->d.otherName, names);
    }
  }
  return names;
}

std::string line_of(const X509_NAME* name) {
  const tls::BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(std::max(0L, size)));
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

Result<Certificate> describe(const X509* certificate) {
  if (certificate == nullptr) {
    ERR_clear_error();
    return fail(Errc::kMalformed, "this is not an X.509 certificate");
  }
  Certificate result;
  result.names = names_of(certificate);
  result.subject = line_of(X509_get_subject_name(certificate));
  result.issuer = line_of(X509_get_issuer_name(certificate));
  result.not_before = time_of(X509_get0_notBefore(certificate));
  result.not_after = time_of(X509_get0_notAfter(certificate));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1) {
    result.sha256 = hex_encode(std::string_view(reinterpret_cast<const char*>(digest), size));
  }
  result.self_signed = result.subject == result.issuer;
  ERR_clear_error();
  return result;
}

}  // namespace

Result<Certificate> read_certificate(std::string_view der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = data + der.size();
  const tls::X509Ptr certificate(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  if (certificate && data != end) return fail(Errc::kMalformed, "bytes follow a certificate");
  return describe(certificate.get());
}

Result<Certificate> read_certificate_pem(std::string_view pem) {
  const tls::BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const tls::X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  return describe(certificate.get());
}

bool dns_name_matches(std::string_view pattern, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.contains('\0')) return false;
  const std::string wanted = ascii_lower(name);
  const std::string given = ascii_lower(pattern);
  if (!given.starts_with("*.")) return given == wanted;
  const std::size_t dot = wanted.find('.');
  if (dot == std::string::npos || dot == 0) return false;
  const std::string_view rest = std::string_view(given).substr(1);
  // A star over a whole top-level domain is nobody's to have.
  if (rest.find('.', 1) == std::string_view::npos || rest.contains('*')) return false;
  return std::string_view(wanted).substr(dot) == rest;
}

bool certificate_is_for(const CertificateNames& names, std::string_view name,
                        std::string_view service) {
  if (const auto address = SocketAddress::parse(name, 0)) {
    return std::ranges::find(names.ip_addresses, address->ip()) != names.ip_addresses.end();
  }
  const auto matches = [name](const std::string& pattern) {
    return dns_name_matches(pattern, name);
  };
  if (std::ranges::any_of(names.dns, matches)) return true;
  if (service.empty()) return false;
  // RFC 9525 §6.5 and RFC 4985: the label of the service, then the name without any star.
  const std::string srv = "_" + std::string(service) + "." + ascii_lower(name);
  return std::ranges::find(names.srv, srv) != names.srv.end();
}

bool names_server(const CertificateNames& names, const ServerName& server) {
  // RFC 7622 §3.2.2: an IPv6 address stands in brackets.
  std::string_view ascii = server.ascii;
  if (ascii.starts_with('[') && ascii.ends_with(']')) ascii = ascii.substr(1, ascii.size() - 2);
  if (certificate_is_for(names, ascii, "xmpp-server")) return true;
  // RFC 6120 §13.7.1.4: a JID that is a domain alone; of an account it says nothing here.
  return std::ranges::any_of(names.xmpp, [&server](const std::string& address) {
    const std::string given = ascii_lower(address);
    return !given.empty() && (given == server.domain || given == server.ascii);
  });
}

CertificateFault server_fault(const PeerCertificate& peer, const ServerName& server) {
  if (peer.der.empty()) return CertificateFault::kMissing;
  if (!peer.trusted) return peer.fault;
  const auto certificate = read_certificate(peer.der);
  const bool is_named = certificate && names_server(certificate->names, server);
  return is_named ? CertificateFault::kNone : CertificateFault::kWrongName;
}

}  // namespace balcony
