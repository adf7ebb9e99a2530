// What happens, as typed events: one struct each. A module registers with `on.on<Event>(handler)`;
// a handler returns Flow::kContinue, or Flow::kStop to end the event where the comment says that it
// may.
//
// All events of a host fire on the shard of the entity they are about, in the order of the
// priorities that the handlers registered with; with equal priority, in the order of the modules'
// names.
#pragma once

#include "router/user.h"
#include "stanza/stanza.h"

#include <balcony/task.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace balcony::router {

enum class Flow : std::uint8_t { kContinue, kStop };

// When a handler runs, relative to others of the same event.
enum class Priority : std::int8_t { kFirst = -2, kEarly = -1, kNormal = 0, kLate = 1, kLast = 2 };

// A client has bound a resource (RFC 6120 §7). Fires before the result is sent. Stop: no effect.
struct SessionBound {
  ConnectedResource& resource;
};

// A client that binds inline asks for a feature in the same step: `feature` is one element inside
// its <bind/> (XEP-0386 §3.2). Once for each, after SessionBound. Stop: switched on; nobody stops:
// it is ignored.
struct InlineEnable {
  ConnectedResource& resource;
  xml::ElementView feature;
};

// A client has bound inline; after the last InlineEnable. A handler adds work that is to end before
// the client hears of its session: what comes for it meanwhile is sent behind the answer. What a
// task returns goes into <bound/> (XEP-0386 §3.2); an empty Element: nothing. A reload may take
// the host away while a task waits: it keeps what it needs itself. Stop: no effect.
struct InlineBound {
  ConnectedResource& resource;
  std::vector<Task<xml::Element>> work = {};
};

// What may be asked for so: handlers append <feature var=''/> elements to `features`, the <inline/>
// of the offered <bind/> (XEP-0386 §3.1). Stop: no effect.
struct InlineFeatures {
  xml::Element& features;
};

// A client has said that nobody looks at it (XEP-0352 §4.2). A handler that lets its stream hold
// back what is not urgent says how much, and stops; nobody stops: nothing is held back.
struct ClientInactive {
  ConnectedResource& resource;
  std::size_t stanzas_max = 0;
  std::size_t bytes_max = 0;
};

// A session is about to end, whatever the reason: it is still in its user's list. Stop: no effect.
struct SessionEnding {
  ConnectedResource& resource;
};

// A component (XEP-0114) sends a stanza to an address at this host; before it is routed, on the
// component's home shard. `from` is at its domain. Stop: the stanza goes no further; setting
// `error` and stopping answers with that error.
struct ComponentSending {
  Stanza& stanza;
  std::optional<Error> error = {};
};

// A client sends a message, presence, or iq that is not for the server or its own account, or a
// component does so in a user's name (XEP-0356 §5, §6; `sender` is then a session that has only
// the bare JID). `from` is stamped with the JID, `to` is set (an own bare JID where the client gave
// none). Handlers may edit the stanza. Stop: the stanza goes no further, the handler has answered.
// Setting `error` and stopping answers with that error. `archive_id` is set where the sender's
// archive keeps the message (Priority::kLate): it is not for the recipient, only for copies to the
// sender's own clients (XEP-0313 §3.3).
struct StanzaOutgoing {
  ConnectedResource& sender;
  Stanza& stanza;
  std::optional<Error> error;
  std::string archive_id = {};
};

// A client sends presence without `to` (RFC 6121 §4.2, §4.4, §4.5), or of a subscription type, or a
// probe. The rfc_6121 modules handle it. Stop: handled.
struct PresenceOutgoing {
  ConnectedResource& sender;
  Stanza& stanza;
};

// A stanza arrives at a local user's home shard, before the delivery rules of RFC 6121 §8.5. The
// user is loaded. Handlers may edit the stanza (stanza-id, stripping). Stop: dropped, or taken over
// by the handler. Setting `error` and stopping answers the sender with that error, if it may be
// answered.
struct StanzaIncoming {
  User& user;
  Stanza& stanza;
  std::optional<Error> error;
};

// Presence of any type arrives for a local user (bare or full JID): subscription requests, probes,
// and notifications. After StanzaIncoming. Stop: handled; else it is delivered by RFC 6121 §8.5.
struct PresenceIncoming {
  User& user;
  Stanza& stanza;
};

// Presence came for a local user who has no session, and nobody is going to get it: he need not be
// loaded for it. On his home shard. Stop: no effect.
struct PresenceUnheard {
  const Stanza& stanza;
};

// An answer (an iq of type result or error) came to the bare JID of an account: to a request that a
// module sent in its name, if it has an id of ours. Stop: it was that module's.
struct AnswerIncoming {
  User& user;
  const Stanza& stanza;
};

// The server is about to send presence of a user to somebody else in his name: a broadcast, the
// answer to a probe, or what a change of subscription brings (RFC 6121 §4.2 to §4.5). Not for the
// user's own resources and not for directed presence, which is StanzaOutgoing. On the user's home
// shard. Stop: it is not sent.
struct PresenceSending {
  User& user;
  const Jid& to;
  StanzaType type;  // kAvailable, kUnavailable, kProbe
};

// A message is being delivered to resources of a user; fires after they were chosen and before it
// is sent (carbons). Stop: no effect.
struct MessageDelivering {
  User& user;
  Stanza& stanza;
  std::span<ConnectedResource* const> recipients;
};

// A message to a local user found no resource that may have it (RFC 6121 §8.5.2.2.1: "none
// available"), of a type that may be stored. Stop: a handler took it (the offline store). If nobody
// stops, the sender gets <service-unavailable/>. `batch` is what is to be written if somebody takes
// the message and not otherwise: handlers add to it, who takes it commits it and may set `ticket`.
struct MessageUndelivered {
  User& user;
  Stanza& stanza;
  storage::Ticket ticket = 0;
  std::optional<Error> error;
  // When it came first, for one that had been given to a stream which ended before the client had
  // it.
  std::optional<WallTime> since;
  storage::Batch batch = {};
};

// A message was handed to a stream whose client has not acknowledged it for a while (XEP-0198 §4),
// and its sender waits for that. Who writes it down, and who knows that it need not be, gives the
// stream another `receipt` (docs/decisions/0014). `later`: not now, the stream asks again. `since`:
// when it was handed over. Stop: no effect.
struct MessageUnacknowledged {
  User& user;
  Stanza& stanza;
  WallTime since;
  ReceiptPtr receipt;
  bool later = false;
};

// A session that was written down goes on, and its client may not have the message of this row of
// the offline store (`bytes`: its size). Who keeps the store gives the receipt for it. Stop: no
// effect.
struct RowHandedOut {
  User& user;
  std::string_view row;
  std::size_t bytes;
  ReceiptPtr receipt = nullptr;
};

// A session that waits to be resumed is written down because the server stops, and made anew when
// it has started (XEP-0198 §5). What a module keeps of the session in a slot it adds to `state`,
// and reads back. Stop: no effect.
struct SessionSaving {
  const ConnectedResource& resource;
  xml::ElementRef state;
};
struct SessionRestoring {
  ConnectedResource& resource;
  xml::ElementView state;
};

// A resource has sent its initial presence (RFC 6121 §4.2), after the broadcast. Stop: no effect.
struct ResourceAvailable {
  ConnectedResource& resource;
  const Stanza& presence;
};

// A resource has become unavailable: by presence, or because its session ended. `presence` is what
// was broadcast.
struct ResourceUnavailable {
  ConnectedResource& resource;
  const Stanza& presence;
};

// An account is being removed (XEP-0077 §3.2 or balconyctl): its sessions are closed, the
// handler adds nothing to storage; EraseOwner follows. On the home shard. `user` may have no
// sessions. Stop: no effect.
struct AccountRemoving {
  User& user;
};

// A user has given himself a new card (XEP-0054 §3.2), which the caller puts in the same `batch`.
// Handlers change what they keep of it in memory, and add to the batch. Stop: no effect.
struct VcardChanging {
  User& user;
  xml::ElementView card;
  storage::Batch& batch;
};

// The same, once it is stored. Stop: no effect.
struct VcardChanged {
  User& user;
};

// The roster has changed and the change is stored; `push` is what the interested resources got (RFC
// 6121 §2.1.6), without addresses. Stop: no effect.
struct RosterPushed {
  User& user;
  const Stanza& push;
};

// Somebody asks disco#info of the host (`account` null) or of an account (XEP-0030 §3). Handlers
// append identities, features or forms to `query`. What modules declared with feature() is there
// already, unless a `node` is asked for: then `query` is empty, who knows the node fills it and
// stops, and when nobody stops there is no such node.
struct DiscoInfo {
  const User* account;
  const Jid& from;
  std::string_view node;
  xml::Element& query;
};

// The same for disco#items. Only accounts' available resources are there already.
struct DiscoItems {
  const User* account;
  const Jid& from;
  std::string_view node;
  xml::Element& query;
};

// A stream's features are offered to an authenticated client (RFC 6120 §4.3.2): bind is there
// already.
struct StreamFeatures {
  xml::Element& features;
};

}  // namespace balcony::router
