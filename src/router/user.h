// A local user while somebody needs him: his connected resources and what is loaded of him.
//
// Lives on his home shard and nowhere else (decision 0010); everything here is for that shard's
// thread.
#pragma once

#include "router/endpoint.h"
#include "router/roster.h"
#include "router/slots.h"
#include "storage/storage.h"

#include <balcony/jid.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace balcony::router {

class Host;
struct User;

// A session that has bound a resource (RFC 6121 §1.3: connected resource; available once it has
// sent presence; interested once it has asked for the roster).
struct ConnectedResource {
  Jid jid;  // full
  User* user = nullptr;
  EndpointLink endpoint;

  bool interested = false;   // RFC 6121 §2.2
  bool available = false;    // RFC 6121 §4.2
  std::int8_t priority = 0;  // RFC 6121 §4.7.2.3; of the last available presence
  std::string presence;      // the last available presence, as XML, for probes; empty: none
  std::set<Jid> directed;    // who got directed presence (RFC 6121 §4.6); limited
  std::uint64_t presence_number =
      0;  // grows with each available presence: "most recent" of §8.5.2.1.1
  // Sessions with the same number are of the same installation of a client (XEP-0388 §2.3, its
  // user agent's id); 0: it did not say.
  std::uint64_t client = 0;
  Slots slots;

  ConnectedResource(Jid jid_, User& user_, EndpointLink endpoint_)
      : jid(std::move(jid_)), user(&user_), endpoint(endpoint_) {}
};

struct User {
  // kHeld: his account is being removed.
  enum class State : std::uint8_t { kLoading, kReady, kHeld, kGone };

  Jid bare;
  Host* host = nullptr;
  State state = State::kLoading;
  Roster roster;
  Slots slots;
  // Connected resources in order of binding. Owned here; Router::bind and unbind change it.
  std::vector<std::unique_ptr<ConnectedResource>> resources;

  User(Jid bare_, Host& host_) : bare(std::move(bare_)), host(&host_) {}

  ConnectedResource* find(std::string_view resource) const noexcept;
  bool has_available() const noexcept;
  // Whether this contact, by his bare JID, may know the user's presence (RFC 6121 §8.5.3.2.3 and
  // others): the user himself, and who has a subscription from him.
  bool may_see_presence(const Jid& contact) const noexcept;

 private:
  friend class UserTable;
  // Work that waits until the user is loaded, in order. Bounded by UserTable.
  std::vector<std::move_only_function<void(Result<std::shared_ptr<User>>)>> waiting_;
  std::optional<std::list<std::shared_ptr<User>>::iterator> idle_;
};

}  // namespace balcony::router
