// Requests (iq of type get and set) that this server answers, and who answers them.
//
// A handler is registered for the payload's name and namespace and for whom the request is
// addressed to. It returns its answer; the router fills in id, from, to and type, and turns an
// Error into the stanza error. What nobody registered is <service-unavailable/> in exactly one
// place (RFC 6120 §8.4).
#pragma once

#include "router/user.h"
#include "stanza/stanza.h"
#include "stanza/stanza_error.h"
#include "storage/storage.h"

#include <balcony/result.h>
#include <balcony/task.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace balcony::router {

// Whom the request is addressed to.
enum class Target : std::uint8_t { kServer, kAccount, kServerAndAccount };

// Who may ask an account's handler; everybody else gets <service-unavailable/>, as from an account
// that is not there (RFC 6121 §8.5.2.1.3: nobody learns which accounts exist). Does not limit
// Target::kServer.
enum class Access : std::uint8_t {
  kOwner,        // the account itself
  kSubscribers,  // and who has a subscription to its presence
  kAnyone,
};

// A request under way. The references live until the handler's answer is given, also in a Task.
struct IqRequest {
  const Stanza& stanza;
  xml::ElementView payload;
  const Jid& from;             // full or bare; always set
  bool is_set;                 // type='set'
  std::shared_ptr<User> user;  // the account that it is addressed to; null when the server is
  // The session that asks, if it is one of the same account on this shard; else null. In a Task it
  // may have gone after a wait: look it up again by `from`.
  ConnectedResource* session;
  // For requests before authentication (Registrar::iq_stranger): the peer's address, for limits.
  // Else empty.
  std::string_view address = {};
};

// The answer: a payload (empty for none) and the commit that must succeed before it is given
// (decision 0006).
struct IqAnswer {
  IqAnswer() = default;
  IqAnswer(xml::Element payload_, storage::Ticket ticket_ = 0)  // NOLINT: converts on purpose
      : payload(std::move(payload_)), ticket(ticket_) {}
  // An error that says more than an Error can: a condition of the application (RFC 6120 §8.3.4).
  explicit IqAnswer(StanzaError error) : refusal(std::make_unique<StanzaError>(std::move(error))) {}
  xml::Element payload;
  storage::Ticket ticket = 0;
  std::unique_ptr<StanzaError> refusal;  // null: none; else the rest counts for nothing
};

using IqReply = Result<IqAnswer>;
using IqHandler = std::function<IqReply(const IqRequest&)>;
// For handlers that read storage or wait for workers. The stream of the asker waits with them.
using IqTaskHandler = std::function<Task<IqReply>(const IqRequest&)>;

struct QName {
  std::string_view ns, name;
};

class IqTable {
 public:
  struct Entry {
    Target target;
    Access access;
    std::variant<IqHandler, IqTaskHandler> handler;
  };

  // A second registration for the same name, type and target is a bug of ours and ends the process.
  void add(bool is_set, QName name, Entry entry);
  // Null when nobody answers it. `target`: kServer or kAccount.
  const Entry* find(bool is_set, QName name, Target target) const;

 private:
  static std::string key(bool is_set, QName name, Target target);
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace balcony::router
