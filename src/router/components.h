// The external components (XEP-0114) of this server, as one shard sees them: which domains are
// theirs and which of them are connected; on a domain's home shard also their streams.
//
// Owned by the Router. A domain's home is the shard that home_shard() gives for it: stanzas for the
// domain go there, and all its streams are there. This shard's thread only.
#pragma once

#include "router/endpoint.h"
#include "router/privileges.h"

#include <balcony/jid.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

// A component as the configuration describes it.
struct ComponentSetup {
  std::string domain;  // prepared
  bool listed = true;  // among the items of a host (XEP-0030 §4)
  Privileges privileges = {};
  Delegations delegations = {};
};

class ComponentTable {
 public:
  // Replaces the components; what is known of those that stay is kept. The streams of those that
  // are gone are forgotten: whoever has them ends them.
  void set(const std::vector<ComponentSetup>& setups);

  bool has(std::string_view domain) const { return entries_.contains(domain); }
  // What is known here of the domain's home.
  void set_connected(std::string_view domain, bool connected);
  bool is_connected(std::string_view domain) const;
  // The domains that are connected and listed, sorted.
  std::vector<std::string> listed() const;

  // ---- on the domain's home shard

  // False when the domain is no component's (any more).
  bool add(std::string_view domain, Endpoint& stream);
  // How many streams are left.
  std::size_t remove(std::string_view domain, const Endpoint& stream);
  std::size_t streams(std::string_view domain) const;
  // Of all domains whose home is here.
  std::size_t streams() const;
  // The stream for stanzas of this user: with several, always the same one for a bare JID, and when
  // one ends only its users move to others. Null when there is none.
  Endpoint* choose(std::string_view domain, const Jid& user) const;
  // All of the domain's.
  std::vector<Endpoint*> streams_of(std::string_view domain) const;
  bool has_stream(std::string_view domain, const Endpoint& stream) const;

 private:
  struct Stream {
    Endpoint* endpoint;
    std::uint64_t number;
  };
  struct Entry {
    bool listed = true;
    bool connected = false;
    std::vector<Stream> streams;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::uint64_t last_number_ = 0;
};

}  // namespace balcony::router
