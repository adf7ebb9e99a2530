// Router's part in external components (XEP-0114): stanzas for their domains, and who is connected.
#include "router/router.h"
#include "stanza/ns.h"

#include <utility>

namespace balcony::router {

bool Router::component_began(std::string_view domain, Endpoint& stream) {
  if (!components_.add(domain, stream)) return false;
  const bool is_first = components_.streams(domain) == 1;
  if (is_first) tell_connected(domain, true);
  announce(stream, domain);
  if (!feeds_.contains(domain)) return true;
  if (is_first) gather_presence(domain);
  spawn(hand_presence(std::string(domain), &stream));
  return true;
}

void Router::component_ended(std::string_view domain, const Endpoint& stream) {
  if (components_.remove(domain, stream) != 0) return;
  tell_connected(domain, false);
  asked_.fail_all(domain, Error(Errc::kServiceUnavailable, "this service has gone"));
}

// Every shard answers disco#items itself.
void Router::tell_connected(std::string_view domain, bool connected) {
  set_connected(domain, connected);
  for (std::size_t i = 0; i < deps_.shards.count(); ++i) {
    if (i == deps_.shard) continue;
    deps_.shards.post(i, [name = std::string(domain), connected](Router& there) {
      there.set_connected(name, connected);
    });
  }
}

void Router::set_connected(std::string_view domain, bool connected) {
  components_.set_connected(domain, connected);
  if (connected) return;
  for (const std::string& host : trust_.hosts_of(domain)) {
    nested_.erase(*trust_.find(domain, host), host);
  }
}

std::optional<Task<>> Router::receive_foreign(Stanza stanza) {
  ++counts_.received;
  route(std::move(stanza));
  return wait_when_busy();
}

std::optional<Task<>> Router::receive_component(Stanza stanza) {
  const Host* to = host(stanza.to()->domain());
  if (to) {
    ComponentSending event{stanza};
    if (to->fire(event) == Flow::kStop) {
      ++counts_.received;
      if (event.error) bounce(stanza, *event.error);
      return wait_when_busy();
    }
  } else if (stanza.is_request() && stanza.payload().is(ns::kPrivilege, "privileged_iq")) {
    // XEP-0356 §6.3: not to a managed entity.
    ++counts_.received;
    bounce(stanza, Error(Errc::kForbidden, "no account of this server"));
    return std::nullopt;
  }
  return receive_foreign(std::move(stanza));
}

// docs/security.md: what only a host may say to its components, nobody else says. Whether the
// stanza goes no further; it has been answered then.
bool Router::is_forged(Stanza& stanza) {
  const Jid& from = *stanza.from();
  if (from.is_bare() && !from.has_local() && host(from.domain())) return false;
  if (stanza.is_message()) {
    stanza.edit().remove_children(ns::kPrivilege, "privilege");
    stanza.edit().remove_children(ns::kDelegation, "delegation");
    return false;
  }
  if (!stanza.is_request() || stanza.payload().ns() != ns::kDelegation) return false;
  bounce(stanza, Error(Errc::kServiceUnavailable));
  return true;
}

void Router::to_component(Stanza&& stanza) {
  if (is_forged(stanza)) return;
  if (Endpoint* stream = components_.choose(stanza.to()->domain(), *stanza.from())) {
    ++counts_.delivered;
    return stream->deliver(stanza);
  }
  // Nobody waits for an answer to these; somebody who enters a room does.
  const bool is_news =
      stanza.type() == StanzaType::kUnavailable || stanza.type() == StanzaType::kProbe;
  if (is_news) return;
  // RFC 6120 §8.3.3.17 and not §8.3.3.16: the service exists, it cannot be reached now, and the
  // error's type "wait" says that trying again later may help.
  bounce(stanza, Error(Errc::kRemoteServerTimeout, "this service is not connected now"));
}

}  // namespace balcony::router
