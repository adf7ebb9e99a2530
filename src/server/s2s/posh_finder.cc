#include "server/s2s/posh_finder.h"

#include "base/log.h"
#include "net/https_client.h"
#include "net/resolver.h"
#include "precis/idna.h"
#include "server/config_federation.h"
#include "server/s2s/policy.h"
#include "server/shard_context.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace balcony::server::s2s {
namespace {

constexpr std::size_t kDocumentBytesMax = 64 * 1024;
constexpr std::chrono::hours kKeptMax{1};
constexpr std::chrono::minutes kKeptMin{1};
constexpr std::chrono::minutes kFailureKept{10};

}  // namespace

std::chrono::seconds posh_keeping_time(const PoshDocument& document,
                                       std::optional<std::chrono::seconds> max_age) {
  const std::chrono::seconds said = document.expires;
  if (said <= std::chrono::seconds(0)) return {};
  // A web server that wants each request for itself is asked a minute later.
  const std::chrono::seconds wanted = std::max<std::chrono::seconds>(
      std::min<std::chrono::seconds>(said, max_age.value_or(said)), kKeptMin);
  return std::min<std::chrono::seconds>({said, wanted, kKeptMax});
}

Task<Result<PoshDocument>> PoshFinder::find(std::string domain) {
  const Known* known = known_.find(domain);
  if (known && context_.shard.clock().now() < known->until) co_return known->document;
  const auto fetches_max = static_cast<std::size_t>(context_.config->s2s.posh_fetches);
  const bool is_new = !under_way_.contains(domain);
  if (is_new && under_way_.size() >= fetches_max) {
    co_return fail(Errc::kResourceConstraint, "POSH: too many documents are being fetched");
  }
  const auto waiter = std::make_shared<OneShot<Result<PoshDocument>>>();
  under_way_[domain].push_back(waiter);
  if (is_new) spawn(fetch(domain));
  OneShot<Result<PoshDocument>>& found = *waiter;
  co_return co_await found;
}

Task<> PoshFinder::fetch(std::string domain) {
  const Result<PoshDocument> found = co_await fetch_all(domain);
  const Instant now = context_.shard.clock().now();
  const bool is_ours =
      !found && (found.error().code == Errc::kCancelled || found.error().code == Errc::kOverloaded);
  Known known{found, now + (found ? found->expires : std::chrono::seconds(kFailureKept))};
  if (!is_ours) known_.put(domain, std::move(known));
  ++(found ? counts_.found : counts_.failed);
  log_debug(found ? "POSH document fetched" : "no POSH document",
            {{"remote", domain}, {"why", found ? "" : found.error().to_string()}});
  const auto waiting = under_way_.extract(domain);
  for (const Waiter& waiter : waiting.mapped()) waiter->set(found);
}

// Its `expires` is how long it is kept.
Task<Result<PoshDocument>> PoshFinder::fetch_all(std::string domain) {
  BALCONY_CO_ASSIGN(const std::string ascii, precis::domain_to_ascii(domain));
  std::string url = posh_url(ascii);
  BALCONY_CO_ASSIGN(PoshDocument first, co_await fetch_one(std::move(url), domain));
  if (first.url.empty()) co_return first;
  BALCONY_CO_ASSIGN(const HttpsPlace place, https_place(first.url));
  std::string there = first.url;
  std::string host = place.host;
  BALCONY_CO_ASSIGN(PoshDocument second, co_await fetch_one(std::move(there), std::move(host)));
  // RFC 7711 §3.2: a reference leads to fingerprints; the shorter of both times counts.
  if (!second.url.empty()) co_return fail(Errc::kMalformed, "POSH: a reference to a reference");
  second.expires = std::min(first.expires, second.expires);
  co_return second;
}

// `domain`: whose places in the configuration count.
Task<Result<PoshDocument>> PoshFinder::fetch_one(std::string url, std::string domain) {
  const S2sConfig& config = context_.config->s2s;
  BALCONY_CO_ASSIGN(const HttpsPlace place, https_place(url));
  const RemoteDomainConfig* own = find_domain(config, domain);
  const bool is_configured = own && !own->posh_connect.empty();
  std::string host = place.host;
  std::uint16_t port = place.port;
  if (is_configured) {
    const auto split = split_host_port(own->posh_connect);
    if (split) std::tie(host, port) = *split;
  }
  HttpsRequest request;
  request.url = std::move(url);
  request.ca_file = config.ca_file;
  request.crl_file = config.crl_file;
  request.bytes_max = kDocumentBytesMax;
  request.within = config.lookup_timeout;
  BALCONY_CO_ASSIGN(request.addresses,
                    co_await context_.shared.resolver->addresses(std::move(host), port));
  if (!is_configured) {
    std::erase_if(request.addresses, [](const SocketAddress& at) { return !at.is_public(); });
  }
  if (request.addresses.empty()) {
    co_return fail(Errc::kConnect, "POSH: its address is not one of the open Internet");
  }
  const auto answer = std::make_shared<OneShot<Result<HttpsBody>>>();
  context_.shared.https->get(context_.shard, std::move(request),
                             [answer](Result<HttpsBody> body) { answer->set(std::move(body)); });
  OneShot<Result<HttpsBody>>& done = *answer;
  BALCONY_CO_ASSIGN(const HttpsBody body, co_await done);
  BALCONY_CO_ASSIGN(PoshDocument document, parse_posh(body.text));
  document.expires = posh_keeping_time(document, body.max_age);
  if (document.expires == std::chrono::seconds(0)) {
    co_return fail(Errc::kMalformed, "POSH: a document that does not say how long it holds");
  }
  co_return document;
}

}  // namespace balcony::server::s2s
