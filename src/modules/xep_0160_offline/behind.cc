#include "modules/xep_0160_offline/behind.h"

#include "modules/xep_0160_offline/rules.h"
#include "xml/writer.h"

#include <deque>
#include <memory>
#include <utility>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::User;

// What waits in memory; a hand-over to a client that reads takes some ms.
constexpr std::size_t kBehindMax = 500;
constexpr std::size_t kBehindBytesMax = 1024 * 1024;

struct Behind {
  std::deque<Stanza> stanzas;
  std::size_t bytes = 0;
  bool is_stored = false;  // what can be stored does not wait here
};
const router::SlotKey<std::shared_ptr<Behind>> kBehind;

// For the session that gets the stored messages, or for whichever there is.
bool is_for(const Stanza& message, const ConnectedResource& to) {
  return message.to()->is_bare() || *message.to() == to.jid;
}

bool can_be_stored(const Stanza& message, const ConnectedResource& to) {
  return is_for(message, to) && is_stored_offline(message) && !only_chat_states(message.xml());
}

// As if nobody were there.
void store(Server& server, User& user, Stanza& message) {
  router::MessageUndelivered event{user, message, 0, std::nullopt, std::nullopt};
  const Flow flow = server.events().fire(event);
  if (event.error) return server.bounce(message, *event.error);
  if (flow != Flow::kStop) server.bounce(message, Error(Errc::kServiceUnavailable));
}

bool is_full(const Behind& behind, std::size_t more) {
  return behind.stanzas.size() >= kBehindMax || behind.bytes + more > kBehindBytesMax;
}

}  // namespace

Flow hold_behind(Server& server, router::StanzaIncoming& event, const ConnectedResource* to) {
  if (!event.stanza.is_message()) return Flow::kContinue;
  const auto* slot = event.user.slots.find(kBehind);
  const bool some_wait = slot && *slot && !(*slot)->stanzas.empty();
  if (!some_wait && !to) return Flow::kContinue;
  std::shared_ptr<Behind>& behind = event.user.slots.get(kBehind);
  if (!behind) behind = std::make_shared<Behind>();
  const std::size_t bytes = xml::to_string(event.stanza.xml()).size();
  if (to && is_full(*behind, bytes)) store_behind(server, event.user, *to);
  if (to && behind->is_stored) {
    // What is for another session alone has nothing to wait for (RFC 6120 §10.1).
    if (!is_for(event.stanza, *to)) return Flow::kContinue;
    if (can_be_stored(event.stanza, *to)) {
      store(server, event.user, event.stanza);
      return Flow::kStop;
    }
  }
  if (is_full(*behind, bytes)) {
    event.error = Error(Errc::kResourceConstraint, "too much already waits for this account");
    return Flow::kStop;
  }
  behind->bytes += bytes;
  behind->stanzas.push_back(event.stanza.clone());
  return Flow::kStop;
}

void store_behind(Server& server, User& user, const ConnectedResource& to) {
  std::shared_ptr<Behind>& behind = user.slots.get(kBehind);
  if (!behind) behind = std::make_shared<Behind>();
  if (std::exchange(behind->is_stored, true)) return;
  behind->bytes = 0;
  for (Stanza& message : std::exchange(behind->stanzas, {})) {
    if (can_be_stored(message, to)) {
      store(server, user, message);
    } else {
      behind->bytes += xml::to_string(message.xml()).size();
      behind->stanzas.push_back(std::move(message));
    }
  }
}

void let_go_behind(Server& server, User& user, std::function<bool(const User&)> stays_over) {
  const auto* slot = user.slots.find(kBehind);
  if (!slot || !*slot) return;
  // A session that is just ending would still be found.
  server.loop().post(
      [&server, bare = user.bare, behind = *slot, stays_over = std::move(stays_over)] {
        const auto loaded = server.loaded_user(bare);
        if (loaded && !stays_over(*loaded)) return;
        behind->bytes = 0;
        behind->is_stored = false;
        for (Stanza& stanza : std::exchange(behind->stanzas, {})) server.route(std::move(stanza));
      });
}

}  // namespace balcony::modules
