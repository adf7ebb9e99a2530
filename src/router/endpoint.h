// Where the router delivers to: the sending half of one stream, and what is known of it.
//
// server/ joins a session to it (and later a component or a remote server's stream); the router
// knows no session. All calls on the shard where the stream lives.
#pragma once

#include "base/clock.h"
#include "stanza/stanza.h"
#include "stanza/stream_error.h"

#include <string>
#include <string_view>

namespace balcony::router {

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // Queues the stanza for sending, in the order of the calls; never calls back into the router (a
  // full queue is reported later); it is written before the call returns, so it need not live
  // longer. `to`, if not empty, stands on the wire instead of the stanza's own.
  virtual void deliver(const Stanza& stanza, std::string_view to = {}) = 0;

  // The same for a reply that was built as a bare element.
  virtual void deliver(xml::ElementView element) = 0;

  // Ends the stream with this error (RFC 6120 §4.9.1.1). Called by Router::end_session only: the
  // resource is freed by the router, the endpoint does not touch it any more.
  virtual void close(const StreamError& error) = 0;

  // Whether more can be handed over in bulk: what waits to be read or acknowledged is well below
  // what may wait. Nobody is told when it has room again.
  virtual bool has_room() const { return true; }

  // Whether there is a connection: a session that waits to be resumed (XEP-0198 §5) has none.
  virtual bool is_connected() const { return true; }

  struct Info {
    std::string stream_id;
    std::string address;  // of the peer, with port
    std::string tls;      // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS
    WallTime since{};
    std::uint64_t stanzas_in = 0;
    std::uint64_t stanzas_out = 0;
  };
  // For `balconyctl session list`.
  virtual Info info() const = 0;
};

// A session's place for its endpoint, which may change (XEP-0198 §5); counts what is delivered.
class EndpointLink {
 public:
  // `delivered` grows with each stanza; it outlives this.
  EndpointLink(Endpoint& to, std::uint64_t& delivered) : to_(&to), delivered_(&delivered) {}
  EndpointLink& operator=(Endpoint* to) {
    to_ = to;
    return *this;
  }

  // The calls of Endpoint.
  const EndpointLink* operator->() const { return this; }
  void deliver(const Stanza& stanza, std::string_view to = {}) const {
    ++*delivered_;
    to_->deliver(stanza, to);
  }
  void deliver(xml::ElementView element) const {
    ++*delivered_;
    to_->deliver(element);
  }
  void close(const StreamError& error) const { to_->close(error); }
  bool has_room() const { return to_->has_room(); }
  bool is_connected() const { return to_->is_connected(); }
  Endpoint::Info info() const { return to_->info(); }

 private:
  Endpoint* to_;
  std::uint64_t* delivered_;
};

}  // namespace balcony::router
