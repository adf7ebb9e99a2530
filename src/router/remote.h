// Routes to other servers (RFC 6120 §10.4): where the stanzas for a remote domain go, and where
// they wait while there is no stream that may carry them.
//
// One table a shard; it has the routes whose remote domain has its home here (decision 0010), and
// so have all streams of that domain. A route is for one pair of domains, one of ours and one of
// theirs, as trust between servers is (XEP-0220 §1). server/ brings the streams (RemoteDialer) and
// tells how that went. This shard's thread only, except where said.
#pragma once

#include "base/clock.h"
#include "base/loop.h"
#include "router/endpoint.h"
#include "router/router_options.h"
#include "stanza/stanza.h"

#include <compare>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace balcony::router {

class Router;

// Both prepared.
struct DomainPair {
  std::string local, remote;
  friend auto operator<=>(const DomainPair&, const DomainPair&) = default;
};

// Who opens streams. Called on the shard of the table.
class RemoteDialer {
 public:
  virtual ~RemoteDialer() = default;
  // What the sender is told where these domains may not exchange stanzas; nullopt: they may.
  virtual std::optional<Error> refuses(const DomainPair& pair) const = 0;
  // A stanza waits: a stream for the pair is to be opened. Ends in RemoteTable::ready() or
  // failed(), always and never before it returns.
  virtual void dial(const DomainPair& pair) = 0;
};

class RemoteTable {
 public:
  struct Waiting {
    Stanza stanza;
    std::size_t bytes;
    Instant since;
  };
  struct Route {
    Endpoint* stream = nullptr;  // that may carry the pair's stanzas; null while there is none
    bool dialing = false;        // ready() or failed() is to come
    bool returning = false;      // release() or came_back() is to come
    std::deque<Waiting> waiting;
    std::size_t waiting_bytes = 0;
    TimerId timer = 0;  // for the first that waits
    // The last failure: until `retry_at` nobody tries again.
    std::optional<Error> failure;
    unsigned failures = 0;  // in a row
    Instant retry_at{};
    Instant began{};          // of the stream
    unsigned short_ones = 0;  // streams in a row that ended soon
    std::uint64_t sent = 0;
    std::optional<std::list<DomainPair>::iterator> idle;
  };

  explicit RemoteTable(Router& router) : router_(router) {}
  ~RemoteTable();
  RemoteTable(const RemoteTable&) = delete;
  RemoteTable& operator=(const RemoteTable&) = delete;

  // Null: this server does not talk to others. Outlives the table, or is taken back.
  void set_dialer(RemoteDialer* dialer) { dialer_ = dialer; }
  bool is_on() const { return dialer_ != nullptr; }

  // A stanza of ours for the remote domain of its `to`: handed to the stream, kept until there is
  // one, or answered with an error:
  //   <remote-server-not-found/>  DNS knows no such server (RFC 6120 §8.3.3.16)
  //   <remote-server-timeout/>    no stream could be made, or not in time (§8.3.3.17)
  //   <resource-constraint/>      too much waits already (§8.3.3.18)
  // or with what the dialer refuses it with.
  void send(Stanza stanza);

  // ---- for the streams

  // `stream` may carry the pair's stanzas from now on; what waits is written to it, in order.
  void ready(const DomainPair& pair, Endpoint& stream);
  // No stream could be made: what waits goes back. kNotFound: there is no such server.
  void failed(const DomainPair& pair, const Error& error);
  // The stream is over; nothing, unless it had the pair. What comes next makes a new one.
  void gone(const DomainPair& pair, const Endpoint& stream);
  // The connection is lost and may be taken up again (XEP-0198 §5): what comes meanwhile waits,
  // whatever other stream is ready, for release() with ready(), for failed(), or for came_back():
  // one of them is promised. False: the pair had another stream.
  bool suspended(const DomainPair& pair, const Endpoint& stream);
  // It has been taken up: the pair may be ready() again.
  void release(const DomainPair& pair);

  // As gone(), where stanzas are still on their way to the stream, on another shard: what comes
  // meanwhile waits for came_back(), which is promised.
  void withdrawn(const DomainPair& pair, const Endpoint& stream);
  // What did not reach that stream, in order. It goes in front of what waits, and that to another
  // stream (RFC 6120 §10.1).
  void came_back(const DomainPair& pair, std::deque<Stanza> stanzas);

  // The server stops: what waits goes back, and what comes too.
  void stop();

  // Answers the sender of what did not reach another server, if he waits for an answer.
  void give_back(const Stanza& stanza, const Error& error);

  std::size_t size() const { return routes_.size(); }
  std::size_t waiting() const { return waiting_; }
  void for_each(const std::function<void(const DomainPair&, const Route&)>& f) const;

 private:
  struct PairView {
    std::string_view local, remote;
  };
  struct Less {
    using is_transparent = void;
    static PairView view(const DomainPair& pair) { return {pair.local, pair.remote}; }
    static PairView view(const PairView& pair) { return pair; }
    bool operator()(const auto& a, const auto& b) const {
      const int remote = view(a).remote.compare(view(b).remote);
      return remote != 0 ? remote < 0 : view(a).local < view(b).local;
    }
  };
  using Routes = std::map<DomainPair, Route, Less>;

  Routes::iterator find_or_make(const PairView& pair);
  void keep(Routes::value_type& entry, Stanza stanza);
  bool has_room(const Route& route, std::size_t bytes) const;
  Waiting take_first(Route& route);
  void expire(const DomainPair& pair);
  void watch(Routes::value_type& entry);
  void give_back_all(Route& route, const Error& error);
  Routes::iterator take_stream(const DomainPair& pair, const Endpoint& stream);
  void go_on(Routes::value_type& entry);
  void note_failure(Route& route, const Error& error);
  void rest(Routes::value_type& entry);
  void wake(Route& route);

  Router& router_;
  RemoteDialer* dialer_ = nullptr;
  Routes routes_;
  std::list<DomainPair> idle_;  // routes without stream and stanzas, the last used first
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace balcony::router
