#include "server/s2s/client_tls.h"

#include "precis/idna.h"

#include <algorithm>

namespace balcony::server::s2s {

Result<ClientTls::Pair> ClientTls::make(const Config& config, const TlsHost* host) {
  Pair pair;
  for (const bool direct : {false, true}) {
    TlsClientOptions options;
    // Whether it counts is the policy's to say; where it does not, dialback may still.
    options.verify = TlsVerify::kReport;
    options.ca_file = config.s2s.ca_file;
    options.crl_file = config.s2s.crl_file;
    if (host) {
      options.certificate_pem = host->chain_pem;
      options.key_pem = host->key_pem;
    }
    if (direct) options.alpn = {"xmpp-server"};
    BALCONY_ASSIGN(auto made, TlsClientContext::create(std::move(options)));
    (direct ? pair.direct : pair.in_stream) = std::move(made);
  }
  return pair;
}

Result<std::shared_ptr<const ClientTls>> ClientTls::create(const Config& config,
                                                           const std::vector<TlsHost>& hosts) {
  auto all = std::make_shared<ClientTls>();
  for (const HostConfig& host : config.hosts) {
    BALCONY_ASSIGN(const std::string ascii, precis::domain_to_ascii(host.domain));
    const auto found = std::ranges::find_if(hosts, [&ascii](const TlsHost& tls) {
      return std::ranges::find(tls.names, ascii) != tls.names.end();
    });
    BALCONY_ASSIGN(Pair pair, make(config, found == hosts.end() ? nullptr : &*found));
    all->by_domain_.emplace(host.domain, std::move(pair));
  }
  BALCONY_ASSIGN(all->others_, make(config, nullptr));
  return std::shared_ptr<const ClientTls>(std::move(all));
}

std::shared_ptr<const TlsClientContext> ClientTls::of(std::string_view local, bool direct) const {
  const auto found = by_domain_.find(local);
  const Pair& pair = found == by_domain_.end() ? others_ : found->second;
  return direct ? pair.direct : pair.in_stream;
}

}  // namespace balcony::server::s2s
