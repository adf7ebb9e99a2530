// What this server asks of others before it exchanges stanzas with them, as [s2s] says. Functions
// of the configuration, and the Policy that the machines ask: one a shard.
#pragma once

#include "net/tls_info.h"
#include "server/shard_context.h"
#include "stream/server_actions.h"

#include <optional>
#include <string>
#include <string_view>

namespace balcony::server::s2s {

// What [s2s.domain.*] says of it; null: nothing.
const RemoteDomainConfig* find_domain(const S2sConfig& config, std::string_view remote);

// What a sender is told where the configuration allows no stanzas to this domain; nullopt: it does.
std::optional<Error> refusal(const S2sConfig& config, std::string_view remote);

stream::ServerTrust trust_of(const S2sConfig& config, std::string_view remote);

// Whether the certificate proves that the peer is the server of `domain`: it is pinned where there
// are pins, else valid and for that name (RFC 6120 §13.7.2). Errors: kTls with what is wrong, for
// the log.
Result<> check_certificate(const S2sConfig& config, const PeerCertificate& peer,
                           std::string_view domain);

class Policy final : public stream::ServerPolicy {
 public:
  explicit Policy(ShardContext& context) : context_(context) {}

  bool serves(std::string_view domain) const override { return context_.router->serves(domain); }
  stream::ServerTrust trust(std::string_view remote, std::string_view) const override {
    return trust_of(context_.config->s2s, remote);
  }
  std::string dialback_secret() const override {
    const std::string& configured = context_.config->s2s.dialback_secret;
    return configured.empty() ? context_.shared.dialback_secret : configured;
  }

 private:
  ShardContext& context_;
};

}  // namespace balcony::server::s2s
