// What this server offers to clients' streams: hosts, mechanisms, features. One a shard.
#pragma once

#include "server/shard_context.h"
#include "stream/receiving_stream.h"

namespace balcony::server {

class ClientPolicy final : public stream::ReceivingPolicy {
 public:
  explicit ClientPolicy(ShardContext& context) : context_(context) {}

  bool serves(std::string_view domain) const override;
  std::vector<std::string> mechanisms(std::string_view domain) const override;
  std::string fake_secret(std::string_view domain) const override;
  std::uint32_t iterations(std::string_view domain) const override;
  bool registration(std::string_view domain) const override;
  void add_features(std::string_view domain, xml::Element& features) const override;
  bool trusts(std::string_view domain, const stream::ShownCertificate& shown) const override;
  stream::Sasl2Offer sasl2(std::string_view domain) const override;
  void add_inline_features(std::string_view domain, xml::Element& features) const override;

 private:
  const HostConfig* host(std::string_view domain) const;
  ShardContext& context_;
};

}  // namespace balcony::server
