// What this server asks of others before it exchanges stanzas with them, as [s2s] says. One a
// shard.
#pragma once

#include "net/tls_info.h"
#include "router/remote.h"
#include "server/shard_context.h"
#include "stream/server_actions.h"

#include <optional>
#include <string>
#include <string_view>

namespace balcony::server::s2s {

class Policy final : public stream::ServerPolicy {
 public:
  explicit Policy(ShardContext& context) : context_(context) {}

  bool serves(std::string_view domain) const override;
  stream::ServerTrust trust(std::string_view remote, std::string_view local) const override;
  std::string dialback_secret() const override;

  // What a sender is told where the configuration allows no stanzas to this domain.
  std::optional<Error> refuses(std::string_view remote) const;

  // Whether the certificate proves that the peer is the server of `domain`: it is pinned where
  // there are pins, else valid and for that name (RFC 6120 §13.7.2). Errors: kTls with what is
  // wrong, for the log.
  Result<> check(const PeerCertificate& peer, std::string_view domain) const;

  // What [s2s.domain.*] says of it; null: nothing.
  const RemoteDomainConfig* domain(std::string_view remote) const;

 private:
  ShardContext& context_;
};

}  // namespace balcony::server::s2s
