// A session that another stream of the same account can take up (XEP-0198 §5): one whose stream is
// connected (ClientSession), or one that waits for its client (DetachedSession).
#pragma once

#include "router/user.h"
#include "server/managed_stream.h"

#include <memory>

namespace balcony::server {

class Resumable {
 public:
  // What goes from one stream to the next.
  struct Held {
    router::ConnectedResource* resource = nullptr;
    std::unique_ptr<ManagedStream> managed;
  };

  virtual ~Resumable() = default;
  virtual const Jid& jid() const = 0;
  virtual ManagedStream& managed() = 0;
  // Gives the session up. The giver ends without touching it; the resource's endpoint is the
  // taker's to set, at once.
  virtual Held hand_over() = 0;
};

}  // namespace balcony::server
