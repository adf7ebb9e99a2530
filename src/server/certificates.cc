#include "server/certificates.h"

#include "base/log.h"
#include "net/self_signed.h"
#include "precis/idna.h"

#include <filesystem>
#include <system_error>

namespace balcony::server {
namespace {

namespace fs = std::filesystem;

// Where a host's certificate and key lie.
struct Paths {
  std::string certificate;
  std::string key;
};

Result<Paths> make_certificate(const Config& config, const HostConfig& host,
                               const std::vector<std::string>& names) {
  const fs::path folder = fs::path(config.data) / "certificates";
  const Paths paths{folder / (host.domain + ".crt"), folder / (host.domain + ".key")};
  std::error_code error;
  if (fs::exists(paths.certificate, error) && fs::exists(paths.key, error)) return paths;
  fs::create_directories(folder, error);
  if (error) {
    return fail(Errc::kIo, "cannot make the folder " + folder.string() + ": " + error.message());
  }
  BALCONY_ASSIGN(const SelfSigned made, make_self_signed(names));
  BALCONY_CHECK(write_self_signed(made, paths.certificate, paths.key));
  log_warning(
      "self-signed certificate made",
      {{"host", host.domain},
       {"file", paths.certificate},
       {"advice", "clients will ask whether to trust it; set hosts.certificate and hosts.key"}});
  return paths;
}

}  // namespace

std::string certificate_path(const Config& config, const HostConfig& host) {
  if (!host.certificate.empty()) return host.certificate;
  return config.data + "/certificates/" + host.domain + ".crt";
}

Result<TlsServerOptions> load_certificates(const Config& config) {
  TlsServerOptions options;
  options.alpn = {"xmpp-client"};  // XEP-0368 §3
  for (const HostConfig& host : config.hosts) {
    BALCONY_ASSIGN(const std::string ascii, precis::domain_to_ascii(host.domain));
    const std::vector<std::string> names{ascii};
    Paths paths{host.certificate, host.key};
    if (paths.certificate.empty()) {
      BALCONY_ASSIGN(paths, make_certificate(config, host, names));
    }
    BALCONY_ASSIGN(TlsHost loaded, load_tls_host(names, paths.certificate, paths.key));
    loaded.client_ca_file = host.client_ca;
    loaded.client_crl_file = host.client_crl;
    options.hosts.push_back(std::move(loaded));
  }
  return options;
}

TlsServerOptions for_servers(const Config& config, TlsServerOptions options) {
  options.alpn = {"xmpp-server"};  // XEP-0368 §3
  options.request_client_certificate = true;
  options.ca_file = config.s2s.ca_file;
  options.crl_file = config.s2s.crl_file;
  for (TlsHost& host : options.hosts) {
    host.client_ca_file.clear();
    host.client_crl_file.clear();
  }
  return options;
}

}  // namespace balcony::server
