// What clients want to be told of, by the hash of their capabilities (XEP-0115): the nodes that
// they announce with "+notify" (XEP-0060 §9.2).
//
// A hash is looked up once for all who have it: one of its clients is asked, and counts for the
// others only where his answer has that hash (XEP-0115 §5.4). One table a host and shard; bounded.
#pragma once

#include "base/clock.h"
#include "base/siphash.h"
#include "router/module.h"
#include "stanza/stanza.h"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace balcony::modules::pep {

// Names of nodes, in order. Constant, so that other shards may have it too. Null: none.
using Interest = std::shared_ptr<const std::vector<std::string>>;

bool wants(const Interest& interest, std::string_view node);
// What `now` has and `before` had not.
Interest added_interest(const Interest& before, const Interest& now);

struct CapsHash {
  std::string node;  // of the software
  std::string ver;
};
// What a presence says (XEP-0115 §4); only the hash function that everybody has to know (§5.1).
std::optional<CapsHash> caps_of(const Stanza& presence);

// The nodes of an answer to disco#info, if its hash is `ver` and it is well-formed (XEP-0115 §5.4).
std::optional<Interest> verified_interest(xml::ElementView query, std::string_view ver);

class CapsTable {
 public:
  static constexpr std::size_t kHashesMax = 4'096;
  static constexpr std::size_t kWaitingMax = 1'000;  // for one answer

  // What is known of a hash; nullopt: nothing yet.
  std::optional<Interest> known(std::string_view ver);

  // Calls `then` with what clients of this hash want: at once where it is known, else when `client`
  // (a full JID), or another one of that hash, has answered. It is asked in the name of `account`.
  // Where nobody answers rightly `then` is never called.
  void look_up(router::Server& server, const Jid& account, const Jid& client, const CapsHash& hash,
               std::function<void(const Interest&)> then);

  // An answer to the bare JID of an account. False when it is to no question of this table.
  bool take_answer(router::Server& server, const Stanza& answer);

  // This client (a full JID) has gone: if it was asked, the next one is.
  void client_gone(router::Server& server, const Jid& client);

 private:
  struct Waiting {
    Jid account, client;
    std::function<void(const Interest&)> then;
  };
  struct Entry {
    std::list<std::string>::iterator used;
    std::string node;
    bool is_known = false;
    Interest interest;
    std::string question;  // id of the iq under way; empty: none
    Instant asked{};
    std::deque<Waiting> waiting;
  };
  Entry& get_or_add(const std::string& ver);
  void ask(router::Server& server, const std::string& ver, Entry& entry);
  void ask_next(router::Server& server, const std::string& ver, Entry& entry);
  void forget(const std::string& ver);

  std::unordered_map<std::string, Entry, SipHash> entries_;
  std::list<std::string> used_;                             // hashes, most recently used first
  std::unordered_map<std::string, std::string> questions_;  // id of the iq -> hash
};

}  // namespace balcony::modules::pep
