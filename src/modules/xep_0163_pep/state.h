// What the module keeps of a host on one shard, and of sessions: who has nodes, and who wants to
// hear of what. A reload forgets nothing of it. The host's shard only.
#pragma once

#include "modules/xep_0163_pep/caps.h"
#include "router/module.h"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace balcony::modules::pep {

// The accounts at home here that have nodes, so that nobody else is loaded when a contact logs in.
// Eight bytes each; now and then one that has none any more.
class Owners {
 public:
  // Reads them from storage at the first call; until that is done everybody may have nodes.
  bool may_have(router::Server& server, const Jid& account);
  // Returns whether it is new.
  bool add(const Jid& account);

 private:
  enum class State : std::uint8_t { kUnread, kReading, kRead };
  static Task<> read(router::Server& server);

  State state_ = State::kUnread;
  std::unordered_set<std::size_t> hashes_;
};

// A client that has announced capabilities. Of a session here it is in the session's slot.
struct ClientCaps {
  std::string ver;
  Interest interest;  // null: nothing is known yet
};
inline const router::SlotKey<ClientCaps> kClientCaps;

// Contacts on other servers that are online, by their full JIDs.
using RemoteClients = std::map<std::string, ClientCaps, std::less<>>;

struct ShardState {
  CapsTable caps;
  Owners owners;
  // By the bare JID of an account that has nodes: contacts with a subscription from it that want
  // something.
  std::unordered_map<std::string, RemoteClients> remote;
};

ShardState& shard_state(router::Server& server);

}  // namespace balcony::modules::pep
