#include "server/client_policy.h"

#include "precis/idna.h"
#include "sasl/mechanism.h"
#include "stanza/ns.h"

#include <algorithm>

namespace balcony::server {

const HostConfig* ClientPolicy::host(std::string_view domain) const {
  const auto found = std::ranges::find(context_.config->hosts, domain, &HostConfig::domain);
  return found == context_.config->hosts.end() ? nullptr : &*found;
}

bool ClientPolicy::serves(std::string_view domain) const {
  return context_.router->host(domain) != nullptr;
}

std::vector<std::string> ClientPolicy::mechanisms(std::string_view domain) const {
  const HostConfig* config = host(domain);
  if (config && config->anonymous) return {std::string(sasl::kAnonymous)};
  const auto offer = context_.offers->find(std::string(domain));
  const unsigned bits =
      offer == context_.offers->end() ? 0 : offer->second->bits.load(std::memory_order_relaxed);
  std::vector<std::string> offered;
  for (const std::string& name : context_.config->auth.mechanisms) {
    const auto scram = sasl::scram_name(name);
    // decision 0009: a hash is offered only while every account of the host has keys for it.
    if (scram && (bits >> static_cast<unsigned>(scram->hash) & 1U) == 0) continue;
    offered.push_back(name);
  }
  return offered;
}

std::string ClientPolicy::fake_secret(std::string_view domain) const {
  return context_.shared.fake_secret + std::string(domain);
}

std::uint32_t ClientPolicy::iterations(std::string_view /*domain*/) const {
  return static_cast<std::uint32_t>(context_.config->auth.iterations);
}

bool ClientPolicy::registration(std::string_view domain) const {
  const router::Host* host = context_.router->host(domain);
  return host && host->generation()->strangers.find(true, {ns::kRegister, "query"},
                                                    router::Target::kServer);
}

void ClientPolicy::add_features(std::string_view domain, xml::Element& features) const {
  if (const router::Host* host = context_.router->host(domain)) {
    host->fire(router::StreamFeatures{features});
  }
  features.append(ns::kStreamManagement, "sm");  // XEP-0198 §3
  // XEP-0478 §3: what a stanza may hold, so that nobody has to find out.
  features.append(ns::kStreamLimits, "limits")
      .append_text_element("max-bytes", std::to_string(context_.config->limits.stanza.count));
}

bool ClientPolicy::trusts(std::string_view domain, const stream::ShownCertificate& shown) const {
  const HostConfig* config = host(domain);
  if (!config || config->client_ca.empty()) return false;
  // The authorities of one host say nothing about the users of another.
  const auto ascii = precis::domain_to_ascii(domain);
  return ascii && *ascii == shown.host;
}

stream::Sasl2Offer ClientPolicy::sasl2(std::string_view domain) const {
  stream::Sasl2Offer offer;
  const AuthConfig& auth = context_.config->auth;
  const HostConfig* config = host(domain);
  const bool anonymous = config && config->anonymous;
  offer.offered = auth.sasl2;
  offer.tokens = auth.token_lifetime.count() > 0 && !anonymous;
  offer.resumption = context_.config->stream_management.resume_timeout.count() > 0;
  if (anonymous) return offer;
  // XEP-0480 §2.1: what would be offered if all accounts had the keys, and what some account has
  // with fewer iterations than new ones get.
  const auto known = context_.offers->find(std::string(domain));
  const std::vector<std::string> offered = mechanisms(domain);
  for (const std::string& name : auth.mechanisms) {
    const auto scram = sasl::scram_name(name);
    if (!scram) continue;
    const bool is_weak = known != context_.offers->end() &&
                         known->second->iterations_min[static_cast<std::size_t>(scram->hash)].load(
                             std::memory_order_relaxed) < iterations(domain);
    if (is_weak || std::ranges::find(offered, name) == offered.end()) {
      offer.upgrades.push_back(scram->hash);
    }
  }
  return offer;
}

void ClientPolicy::add_inline_features(std::string_view domain, xml::Element& features) const {
  // XEP-0198 has its own answer inside <bound/> (XEP-0386 §3.2).
  features.append("feature").set("var", ns::kStreamManagement);
  if (const router::Host* host = context_.router->host(domain)) {
    host->fire(router::InlineFeatures{features});
  }
}

}  // namespace balcony::server
