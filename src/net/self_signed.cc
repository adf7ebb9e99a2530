#include "net/self_signed.h"

#include "net/file_descriptor.h"
#include "net/socket_address.h"
#include "net/tls_internal.h"

#include "base/random.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace balcony {
namespace {

using ExtensionPtr = tls::Owned<X509_EXTENSION, X509_EXTENSION_free>;

Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    const bool is_address = SocketAddress::parse(name, 0).has_value();
    const bool is_plain = std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '.' || c == '*' || c == '_';
    });
    // The list is a text with a grammar of its own: nothing that could change its meaning gets in.
    if (name.empty() || name.size() > 253 || (!is_address && !is_plain)) {
      return fail(Errc::kConfig, "'" + name + "' is no name for a certificate; use an A-label");
    }
    if (!list.empty()) list += ',';
    list += (is_address ? "IP:" : "DNS:") + name;
  }
  if (list.empty()) return fail(Errc::kConfig, "a certificate needs a name");
  return list;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names,
          const std::string& alternative, std::chrono::days days) {
  std::array<std::byte, 16> serial{};
  system_random().fill(serial);
  serial[0] &= std::byte{0x7f};  // RFC 5280 §4.1.2.2: positive
  const tls::Owned<BIGNUM, BN_free> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), serial.size(), nullptr));
  X509_NAME* subject = X509_get_subject_name(certificate);
  // RFC 5280 §A.1: a common name has at most 64 characters; nobody looks at it.
  const std::string common = names.front().size() <= 64 ? names.front() : "balcony";
  return BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr &&
         X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(days).count()) !=
             nullptr &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
         add_extension(certificate, NID_subject_alt_name, alternative) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string read_all(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(std::max(0L, size)));
}

Result<> write_new_file(const std::string& path, std::string_view text, mode_t mode) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.is_open()) {
    const Errc code = errno == EEXIST ? Errc::kConflict : Errc::kIo;
    return fail(code, path + " cannot be made: " + std::strerror(errno));
  }
  while (!text.empty()) {
    const auto n = ::write(fd.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string why = std::strerror(errno);
      ::unlink(path.c_str());
      return fail(Errc::kIo, path + " cannot be written: " + why);
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::vector<std::string>& names, std::chrono::days days) {
  BALCONY_ASSIGN(const std::string alternative, alternative_names(names));
  const tls::KeyPtr key(EVP_EC_gen("P-256"));
  const tls::X509Ptr certificate(X509_new());
  const tls::BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const tls::BioPtr key_text(BIO_new(BIO_s_mem()));
  const bool made = key && certificate && certificate_text && key_text &&
                    fill(certificate.get(), key.get(), names, alternative, days) &&
                    PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1 &&
                    PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0,
                                                  nullptr, nullptr) == 1;
  if (!made) return fail(Errc::kTls, "no certificate can be made: " + tls::last_error());
  SelfSigned result;
  result.certificate_pem = read_all(certificate_text.get());
  result.key_pem = read_all(key_text.get());
  return result;
}

Result<> write_self_signed(const SelfSigned& made, const std::string& certificate_path,
                           const std::string& key_path) {
  BALCONY_CHECK(write_new_file(key_path, made.key_pem, 0600));
  auto written = write_new_file(certificate_path, made.certificate_pem, 0644);
  if (!written) ::unlink(key_path.c_str());  // a key without its certificate helps nobody
  return written;
}

}  // namespace balcony
