// Router's part in external components (XEP-0114): stanzas for their domains, and who is connected.
#include "router/router.h"

#include <utility>

namespace balcony::router {

bool Router::component_began(std::string_view domain, Endpoint& stream) {
  if (!components_.add(domain, stream)) return false;
  tell_connected(domain, true);
  return true;
}

void Router::component_ended(std::string_view domain, const Endpoint& stream) {
  if (components_.remove(domain, stream) == 0) tell_connected(domain, false);
}

// Every shard answers disco#items itself.
void Router::tell_connected(std::string_view domain, bool connected) {
  components_.set_connected(domain, connected);
  for (std::size_t i = 0; i < deps_.shards.count(); ++i) {
    if (i == deps_.shard) continue;
    deps_.shards.post(i, [name = std::string(domain), connected](Router& there) {
      there.components_.set_connected(name, connected);
    });
  }
}

std::optional<Task<>> Router::receive_foreign(Stanza stanza) {
  ++counts_.received;
  route(std::move(stanza));
  return wait_when_busy();
}

void Router::to_component(Stanza stanza) {
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
